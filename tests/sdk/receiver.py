#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""receiver.py <file>: says the port it listens at, and writes what is posted to it into the file."""
import http.server
import sys


class Receiver(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        with open(sys.argv[1], "ab") as out:
            out.write((self.headers.get("Authorization", "-") + " ").encode() + body + b"\n")
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_):
        pass


server = http.server.HTTPServer(("127.0.0.1", 0), Receiver)
print(server.server_port, flush=True)
server.serve_forever()
