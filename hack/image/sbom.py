#!/usr/bin/env python3
"""Usage: sbom.py CRATES TREE ROOTFS DIRECTORY

Prints one CycloneDX SBOM: that of cargo-cyclonedx in CRATES, made in DIRECTORY, without the crates that are not in the output of
`cargo tree` in TREE, and with the distribution's packages of ROOTFS.
The same input prints the same text: no time or number of its own, and no path of this machine.
"""

import json
import os
import sys
import uuid
from datetime import datetime, timezone
from pathlib import Path
from urllib.parse import quote


def fields(path, separator):
    """The single-line fields of a file of `KEY<separator>VALUE` lines."""
    lines = path.read_text(encoding="utf-8").splitlines()
    pairs = [line.split(separator, 1) for line in lines if separator in line and not line.startswith(" ")]
    return {key: value.strip().strip('"') for key, value in pairs}


def package(status, system):
    """The component of a package, by its dpkg status."""
    said = fields(status, ":")
    # The source's name, without its version where that differs.
    source = said.get("Source", said["Package"]).split(" ")[0]
    distribution = f"{system['ID']}-{system['VERSION_ID']}"
    qualifiers = f"arch={said['Architecture']}&distro={distribution}&upstream={quote(source, safe='')}"
    version = quote(said["Version"], safe=".-_~:")
    purl = f"pkg:deb/{system['ID']}/{quote(said['Package'], safe='')}@{version}?{qualifiers}"
    return {
        "type": "library",
        "bom-ref": purl,
        "name": said["Package"],
        "version": said["Version"],
        "scope": "required",
        "purl": purl,
    }


def main():
    crates, tree, rootfs, directory = map(Path, sys.argv[1:])
    # cargo names a crate of the workspace by where it is.
    text = crates.read_text(encoding="utf-8").replace(f"path+file://{directory}", "path+file:///src")
    text = text.replace(str(directory), "/src")
    bom = json.loads(text)

    lines = [line.split(" ") for line in tree.read_text(encoding="utf-8").splitlines()]
    built = {(line[0], line[1].removeprefix("v")) for line in lines}
    bom["components"] = [part for part in bom["components"] if (part["name"], part["version"]) in built]
    known = {part["bom-ref"] for part in bom["components"]} | {bom["metadata"]["component"]["bom-ref"]}
    bom["dependencies"] = [
        {**dependency, "dependsOn": [ref for ref in dependency.get("dependsOn", []) if ref in known]}
        for dependency in bom["dependencies"]
        if dependency["ref"] in known
    ]

    system = fields(rootfs / "etc/os-release", "=")
    packages = [package(status, system) for status in sorted((rootfs / "var/lib/dpkg/status.d").iterdir())]
    bom["components"] = sorted(bom["components"] + packages, key=lambda component: component["bom-ref"])
    # The other programs of the crate are not in the image.
    crate = bom["metadata"]["component"]
    crate["components"] = [part for part in crate["components"] if part["type"] == "application" and part["name"] == crate["name"]]
    operator = crate["bom-ref"]
    for dependency in bom["dependencies"]:
        if dependency["ref"] == operator:
            dependency["dependsOn"] = sorted(dependency.get("dependsOn", []) + [one["bom-ref"] for one in packages])
    bom["dependencies"] += [{"ref": one["bom-ref"]} for one in packages]

    created = datetime.fromtimestamp(int(os.environ.get("SOURCE_DATE_EPOCH", "0")), timezone.utc)
    bom["metadata"]["timestamp"] = created.strftime("%Y-%m-%dT%H:%M:%SZ")
    bom.pop("serialNumber", None)
    content = json.dumps(bom, sort_keys=True)
    bom["serialNumber"] = uuid.uuid5(uuid.NAMESPACE_URL, content).urn
    print(json.dumps(bom, indent=2, sort_keys=True))


if __name__ == "__main__":
    main()
