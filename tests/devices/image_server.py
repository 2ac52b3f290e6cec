"""For tests: a web server of images, by HTTPS.

usage: image_server.py FOLDER CERTIFICATE KEY
Serves the files of FOLDER/images. Of what is asked for below /broken/ it sends the first half, and ends the connection. Writes FOLDER/port when it
serves.
"""

import functools
import http.server
import os
import ssl
import sys

folder, certificate, key = sys.argv[1:]


class Images(http.server.SimpleHTTPRequestHandler):
    def do_GET(self):
        if not self.path.startswith("/broken/"):
            return super().do_GET()
        with open(f"{folder}/images/{os.path.basename(self.path)}", "rb") as file:
            whole = file.read()
        self.send_response(200)
        self.send_header("Content-Length", str(len(whole)))
        self.end_headers()
        self.wfile.write(whole[: len(whole) // 2])
        self.close_connection = True

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Images, directory=f"{folder}/images"))
context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
context.load_cert_chain(certificate, key)
server.socket = context.wrap_socket(server.socket, server_side=True)
with open(f"{folder}/port.part", "w") as file:
    file.write(str(server.server_port))
os.rename(f"{folder}/port.part", f"{folder}/port")
server.serve_forever()
