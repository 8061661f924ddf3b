"""The run of which the picture is: a control plane, a simulated EKS, the operator, and a Prometheus that scrapes it."""

import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
HERE = pathlib.Path(__file__).resolve().parent
ACCOUNT, REGION = "111122223333", "eu-central-1"


def upgrade(name, version, labels=None, **spec):
    return {
        "apiVersion": "eksupgrade.dev/v1alpha1",
        "kind": "ClusterUpgrade",
        "metadata": {"name": name, "labels": labels or {}},
        "spec": {
            "cluster": {"accountId": ACCOUNT, "region": REGION, "name": name},
            "version": version,
            **spec,
        },
    }


FREEZE = {
    "apiVersion": "eksupgrade.dev/v1alpha1",
    "kind": "UpgradeFreeze",
    "metadata": {"name": "sale"},
    "spec": {"reason": "The sale.", "selector": {"matchLabels": {"tier": "shop"}}},
}

# Open for an hour in each week, on a day that is far.
FAR = time.strftime("%a", time.gmtime(time.time() + 3 * 86400))
WINDOW = {"windows": [{"days": [FAR], "start": "01:00", "duration": "1h"}]}

# What is applied, and after how many seconds.
SCRIPT = [
    (5, [FREEZE]),
    (
        10,
        [
            upgrade("payments", "1.35"),
            upgrade("search", "1.34"),
            upgrade("edge", "1.34"),
            upgrade("checkout", "1.34", {"tier": "shop"}),
            upgrade("catalog", "1.34", {"tier": "shop"}),
            upgrade("orders", "1.35", schedule=WINDOW),
            upgrade("invoices", "1.34", suspend=True),
            upgrade("reports", "1.36"),
            upgrade("ledger", "1.35"),
        ],
    ),
    (60, [upgrade("ghost", "1.34")]),
]
THAW, END = 90, 300


class Stage:
    def __init__(self, programs):
        self.programs = programs
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="picture."))
        self.processes = []
        self.began = None

    def __enter__(self):
        try:
            self._set()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for process in reversed(self.processes):
            if process.stdin:
                process.stdin.close()
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        shutil.rmtree(self.directory, ignore_errors=True)

    def now(self):
        return time.time()

    def _start(self, name, *command, env=None, until=None, **more):
        log = (self.directory / f"{name}.log").open("w")
        process = subprocess.Popen(
            [str(word) for word in command],
            env={**os.environ, **(env or {})},
            stdout=subprocess.PIPE if until else log,
            stderr=log,
            text=True,
            start_new_session=True,
            **more,
        )
        self.processes.append(process)
        while until:
            line = process.stdout.readline()
            if not line:
                raise RuntimeError(f"{name} ended: {(self.directory / log.name).read_text()}")
            if line.startswith(until):
                return line.removeprefix(until).strip()

    def _set(self):
        kubeconfig = self._start(
            "control-plane",
            ROOT / "hack/control-plane/serve",
            self.directory / "control-plane",
            until="ready KUBECONFIG=",
            stdin=subprocess.PIPE,
        )
        found = subprocess.run(
            [ROOT / "hack/control-plane/assets"], check=True, capture_output=True, text=True
        )
        paths = dict(line.split("=", 1) for line in found.stdout.splitlines())
        self.kubectl_command = [paths["kubectl"], "--kubeconfig", kubeconfig]
        self.kubectl("apply", "-f", ROOT / "crds")
        kinds = "clusterupgrades.eksupgrade.dev", "upgradefreezes.eksupgrade.dev"
        self.kubectl("wait", "--for=condition=Established", "crd", *kinds)

        eks = self._start(
            "simulator",
            self.programs / "eks-simulator",
            "--scenario",
            HERE / "scenario.yaml",
            until="eks-simulator listening on ",
        )
        # The operator tells its port in a log line; Prometheus has to be told one that is known before.
        operator, prometheus = free_port(), free_port()
        self.began = self.now()
        self._start(
            "operator",
            self.programs / "eks-upgrade-operator",
            *("run", "--metrics-addr", f"127.0.0.1:{operator}"),
            *("--poll-interval=2s", "--resync-interval=10s", "--max-running-updates=4"),
            *("--overdue-after=100s",),
            env={
                "KUBECONFIG": kubeconfig,
                "AWS_ENDPOINT_URL_EKS": eks,
                "AWS_ENDPOINT_URL_STS": eks,
                "AWS_REGION": REGION,
                "AWS_ACCESS_KEY_ID": "picture",
                "AWS_SECRET_ACCESS_KEY": "picture",
            },
        )
        config = self.directory / "prometheus.yaml"
        scrape = {
            "job_name": "eks-upgrade-operator",
            "honor_labels": True,
            "static_configs": [{"targets": [f"127.0.0.1:{operator}"]}],
        }
        config.write_text(
            json.dumps(
                {
                    "global": {"scrape_interval": "2s", "evaluation_interval": "5s"},
                    "rule_files": [str(ROOT / "deploy/monitoring/alerts.yaml")],
                    "scrape_configs": [scrape],
                }
            )
        )
        self.prometheus_url = f"http://127.0.0.1:{prometheus}"
        self._start(
            "prometheus",
            ROOT / "hack/tools/prometheus",
            f"--config.file={config}",
            f"--storage.tsdb.path={self.directory / 'data'}",
            f"--web.listen-address=127.0.0.1:{prometheus}",
        )
        self._until_ready()

    def _until_ready(self):
        for _ in range(300):
            try:
                urllib.request.urlopen(f"{self.prometheus_url}/-/ready", timeout=5).close()
                return
            except (urllib.error.URLError, OSError):
                time.sleep(0.2)
        raise RuntimeError("Prometheus is not ready")

    def kubectl(self, *words, given=None):
        command = [*self.kubectl_command, *map(str, words)]
        return subprocess.run(
            command, check=True, capture_output=True, text=True, input=given
        ).stdout

    def play(self):
        """Applies everything at its time, and returns at the end."""
        for second, objects in SCRIPT:
            self._wait(second)
            for one in objects:
                self.kubectl("apply", "-f", "-", given=json.dumps(one))
        self._wait(THAW)
        self.kubectl("delete", "upgradefreeze", FREEZE["metadata"]["name"])
        self._wait(END)
        print(self.kubectl("get", "clusterupgrades"))

    def _wait(self, second):
        time.sleep(max(0.0, self.began + second - self.now()))


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]
