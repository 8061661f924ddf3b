"""Checks recorded answers against the service models that botocore ships.

    validate.py CAPTURE_FILE

Each answer is checked in full: that its operation exists, that each member exists in the output
shape and has the right type, that required members are there, that enum values are known; of errors
that the code is known, has its HTTP status and no members but its own. Prints a summary as JSON and
ends with 0, or prints each finding and ends with 1.
"""

import collections
import datetime
import json
import re
import sys
import urllib.parse
import xml.etree.ElementTree as ElementTree

from botocore.loaders import Loader
from botocore.model import ServiceModel

# Errors that every service of AWS may answer, and that no operation models.
COMMON_ERRORS = {
    "AccessDenied": {403},
    "AccessDeniedException": {400, 403},
    "ExpiredToken": {403},
    "ExpiredTokenException": {403},
    "IncompleteSignature": {400, 403},
    "InternalFailure": {500},
    "InvalidClientTokenId": {403},
    "InvalidSignatureException": {400, 403},
    "MissingAuthenticationTokenException": {400, 403},
    "NotAuthorized": {400, 401},
    "OptInRequired": {403},
    "RequestExpired": {400},
    "SerializationException": {400},
    "ServiceUnavailable": {503},
    "SignatureDoesNotMatch": {403},
    "Throttling": {400},
    "ThrottlingException": {400},
    "TooManyRequestsException": {429},
    "UnknownOperationException": {404},
    "UnrecognizedClientException": {400, 403},
    "ValidationError": {400},
}


def model(service: str) -> ServiceModel:
    return ServiceModel(Loader().load_service_model(service, "service-2"))


def operation_of(record: dict, eks: ServiceModel, sts: ServiceModel):
    """The operation a request is for; None when the service has no such operation."""
    path, _, _ = record["path"].partition("?")
    if record["method"] == "POST" and path == "/":
        form = urllib.parse.parse_qs(record["sent"])
        action = form.get("Action", [""])[0]
        return sts.operation_model(action) if action in sts.operation_names else None
    for name in eks.operation_names:
        operation = eks.operation_model(name)
        template, _, _ = operation.http["requestUri"].partition("?")
        pattern = re.sub(r"\\\{[^}]+\\\}", "[^/]+", re.escape(template))
        if operation.http["method"] == record["method"] and re.fullmatch(pattern, path):
            return operation
    return None


def check_json(value, shape, place: str):
    """Yields what is wrong with a JSON value of a shape."""
    kind = shape.type_name
    if kind == "structure":
        if not isinstance(value, dict):
            yield f"{place}: {value!r} is not a structure"
            return
        members = {
            member.serialization.get("name", name): (name, member)
            for name, member in shape.members.items()
        }
        for key, inner in value.items():
            if key not in members:
                yield f"{place}: {shape.name} has no member {key}"
            elif inner is None:
                yield f"{place}.{key}: is null"
            else:
                yield from check_json(inner, members[key][1], f"{place}.{key}")
        for key, (name, _) in members.items():
            if name in shape.required_members and key not in value:
                yield f"{place}: {shape.name} needs {key}"
    elif kind == "list":
        if not isinstance(value, list):
            yield f"{place}: {value!r} is not a list"
            return
        for index, inner in enumerate(value):
            yield from check_json(inner, shape.member, f"{place}[{index}]")
    elif kind == "map":
        if not isinstance(value, dict):
            yield f"{place}: {value!r} is not a map"
            return
        for key, inner in value.items():
            yield from check_json(inner, shape.value, f"{place}.{key}")
    elif kind == "string":
        if not isinstance(value, str):
            yield f"{place}: {value!r} is not a string"
        elif getattr(shape, "enum", None) and value not in shape.enum:
            yield f"{place}: {value!r} is not one of {', '.join(shape.enum)}"
    else:
        wanted = {
            "boolean": lambda v: isinstance(v, bool),
            "integer": lambda v: isinstance(v, int) and not isinstance(v, bool),
            "long": lambda v: isinstance(v, int) and not isinstance(v, bool),
            "double": lambda v: isinstance(v, (int, float)) and not isinstance(v, bool),
            "float": lambda v: isinstance(v, (int, float)) and not isinstance(v, bool),
            "timestamp": lambda v: isinstance(v, (int, float)) and not isinstance(v, bool),
            "blob": lambda v: isinstance(v, str),
        }[kind]
        if not wanted(value):
            yield f"{place}: {value!r} is not a {kind}"


def check_xml(element, shape, place: str):
    """Yields what is wrong with an XML element of a shape."""
    kind = shape.type_name
    if kind == "structure":
        seen = set()
        for child in element:
            key = child.tag.rpartition("}")[2]
            seen.add(key)
            if key not in shape.members:
                yield f"{place}: {shape.name} has no member {key}"
            else:
                yield from check_xml(child, shape.members[key], f"{place}.{key}")
        for key in set(shape.required_members) - seen:
            yield f"{place}: {shape.name} needs {key}"
    elif kind == "timestamp":
        try:
            datetime.datetime.fromisoformat((element.text or "").replace("Z", "+00:00"))
        except ValueError:
            yield f"{place}: {element.text!r} is not a timestamp"
    elif len(element):
        yield f"{place}: has children, and is a {kind}"
    elif kind == "integer" and not re.fullmatch(r"-?\d+", element.text or ""):
        yield f"{place}: {element.text!r} is not an integer"


def check_error(record: dict, operation, code, members: dict):
    """Yields what is wrong with an error answer."""
    if not code:
        yield "has no error code"
        return
    shapes = {shape.error_code: shape for shape in operation.error_shapes} if operation else {}
    # A service may answer with an error of its model that the operation does not list.
    shape = shapes.get(code)
    if shape is None and operation and code in operation.service_model.shape_names:
        shape = operation.service_model.shape_for(code)
    statuses = COMMON_ERRORS.get(code, set())
    if shape is not None and "error" in shape.metadata:
        statuses = {shape.metadata["error"]["httpStatusCode"]}
    if not statuses:
        yield f"{code} is not an error that is known"
    elif record["status"] not in statuses:
        yield f"{code} has status {record['status']}, not {sorted(statuses)}"
    if shape is not None:
        yield from check_json(members, shape, code)
    if not isinstance(members.get("message"), str) or not members["message"]:
        yield f"{code} has no message"


def check(record: dict, eks: ServiceModel, sts: ServiceModel, seen: dict):
    """Yields what is wrong with one answer."""
    operation = operation_of(record, eks, sts)
    headers, status = record["headers"], record["status"]
    if "x-amzn-requestid" not in headers:
        yield "has no x-amzn-RequestId"
    is_query = operation is not None and operation.service_model.metadata["protocol"] == "query"
    if operation is not None:
        seen["operations"][operation.name] += 1
    if is_query:
        if headers.get("content-type") != "text/xml":
            yield f"has content type {headers.get('content-type')}"
        root = ElementTree.fromstring(record["body"])
        space = root.tag.rpartition("}")[0] + "}"
        if status >= 300:
            error = root.find(f"{space}Error")
            code = error.findtext(f"{space}Code")
            message = error.findtext(f"{space}Message")
            seen["errors"][code] += 1
            yield from check_error(record, operation, code, {"message": message})
            return
        shape = operation.output_shape
        if root.tag != f"{space}{operation.name}Response":
            yield f"is a {root.tag}"
        result = root.find(space + shape.serialization["resultWrapper"])
        if result is None:
            yield f"lacks {shape.serialization['resultWrapper']}"
        else:
            yield from check_xml(result, shape, operation.name)
        return
    if headers.get("content-type") != "application/json":
        yield f"has content type {headers.get('content-type')}"
    try:
        body = json.loads(record["body"])
    except ValueError as why:
        yield f"is not JSON: {why}"
        return
    if status >= 300:
        code = headers.get("x-amzn-errortype")
        seen["errors"][code] += 1
        yield from check_error(record, operation, code, body)
    elif operation is None:
        yield "is a success of an operation that does not exist"
    else:
        yield from check_json(body, operation.output_shape, operation.name)


def main(capture_file: str) -> int:
    eks, sts = model("eks"), model("sts")
    seen = {"answers": 0, "operations": collections.Counter(), "errors": collections.Counter()}
    findings = []
    with open(capture_file, encoding="utf-8") as lines:
        for line in lines:
            record = json.loads(line)
            seen["answers"] += 1
            for finding in check(record, eks, sts, seen):
                findings.append(f"{record['method']} {record['path']}: {finding}")
    for finding in findings:
        print(finding, file=sys.stderr)
    print(json.dumps(seen))
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
