"""For tests: a receiver of webhooks that keeps what was posted.

usage: web_receiver.py FOLDER ANSWER [CERTIFICATE KEY]
ANSWER: the status; "hangs": none; "redirects": to /elsewhere, where it keeps what comes as well. With a
certificate it speaks TLS. Writes FOLDER/port when it serves, and FOLDER/N.json for each request.
"""

import http.server
import json
import os
import ssl
import sys
import time

folder, answer = sys.argv[1], sys.argv[2]
count = 0


class Receiver(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        global count
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if answer == "hangs":
            time.sleep(3600)
        count += 1
        kept = {"path": self.path, "headers": dict(self.headers), "body": json.loads(body)}
        with open(f"{folder}/{count}.part", "w") as file:
            json.dump(kept, file)
        os.rename(f"{folder}/{count}.part", f"{folder}/{count}.json")
        redirects = answer == "redirects" and self.path != "/elsewhere"
        self.send_response(302 if redirects else 200 if answer == "redirects" else int(answer))
        if redirects:
            self.send_header("Location", "/elsewhere")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


server = http.server.HTTPServer(("127.0.0.1", 0), Receiver)
if len(sys.argv) > 3:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(sys.argv[3], sys.argv[4])
    server.socket = context.wrap_socket(server.socket, server_side=True)
with open(f"{folder}/port.part", "w") as file:
    file.write(str(server.server_port))
os.rename(f"{folder}/port.part", f"{folder}/port")
server.serve_forever()
