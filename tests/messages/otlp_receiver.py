#!/usr/bin/python3
"""Takes logs of OTLP over HTTP, as JSON, and appends each record as a line of JSON to a file.

Usage: otlp_receiver.py PORT FILE [TOKEN]

What is no ExportLogsServiceRequest is answered by 400, as a text with "poison" is. While FILE.down is there it answers
503; while FILE.part is there it takes all but the first record of each request, as a partial success.
"""
import json
import os
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

PORT, PATH = int(sys.argv[1]), sys.argv[2]
TOKEN = sys.argv[3] if len(sys.argv) > 3 else None

ATTRIBUTE = {"key": str, "value": {"stringValue": str}}
RECORD = {"timeUnixNano": str, "observedTimeUnixNano": str, "severityNumber": int, "severityText": str,
          "body": {"stringValue": str}, "attributes": [ATTRIBUTE]}
REQUEST = {"resourceLogs": [{"resource": {"attributes": [ATTRIBUTE]},
                             "scopeLogs": [{"scope": {"name": str, "version": str}, "logRecords": [RECORD]}]}]}


def fits(value, shape):
    """Whether it has these fields and no other. The names are those of opentelemetry-proto."""
    if isinstance(shape, list):
        return isinstance(value, list) and all(fits(one, shape[0]) for one in value)
    if isinstance(shape, dict):
        return isinstance(value, dict) and set(value) <= set(shape) and all(fits(value[k], shape[k]) for k in value)
    return type(value) is shape


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if TOKEN and self.headers.get("Authorization") != "Bearer " + TOKEN:
            return self.answer(401, {})
        if os.path.exists(PATH + ".down"):
            return self.answer(503, {})
        if self.path != "/v1/logs" or self.headers["Content-Type"] != "application/json":
            return self.answer(404, {})
        request = json.loads(body)
        if not fits(request, REQUEST) or b"poison" in body:
            return self.answer(400, {"message": "this is none"})
        records = [(resource["resource"], record) for resource in request["resourceLogs"]
                   for scope in resource["scopeLogs"] for record in scope["logRecords"]]
        said = {}
        if os.path.exists(PATH + ".part"):
            records = records[1:]
            said = {"partialSuccess": {"rejectedLogRecords": "1", "errorMessage": "one too many"}}
        with open(PATH, "a", encoding="utf-8") as file:
            for resource, record in records:
                file.write(json.dumps({"resource": resource, "record": record}) + "\n")
        return self.answer(200, said)

    def answer(self, code, what):
        text = json.dumps(what).encode()
        self.send_response(code)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_):
        pass


ThreadingHTTPServer(("127.0.0.1", PORT), Handler).serve_forever()
