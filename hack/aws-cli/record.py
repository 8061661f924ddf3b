"""Stands between a client and the simulator, passes everything on, and writes down each answer.

    record.py UPSTREAM_URL CAPTURE_FILE

Prints its own URL when it is ready, and ends when its standard input does. The file gets one JSON
object a line, before the client gets the answer.
"""

import http.client
import http.server
import json
import sys
import threading
import urllib.parse


def main(upstream: str, capture_file: str) -> None:
    target = urllib.parse.urlsplit(upstream).netloc
    capture = open(capture_file, "a", encoding="utf-8")
    lock = threading.Lock()

    class Recorder(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def pass_on(self) -> None:
            length = int(self.headers.get("content-length", 0))
            sent = self.rfile.read(length)
            connection = http.client.HTTPConnection(target)
            headers = {k: v for k, v in self.headers.items() if k.lower() != "connection"}
            connection.request(self.command, self.path, sent, headers)
            try:
                answer = connection.getresponse()
            except (http.client.HTTPException, ConnectionError):
                # The simulator lost this answer: the client is to see the same.
                self.close_connection = True
                return
            body = answer.read()
            record = {
                "method": self.command,
                "path": self.path,
                "sent": sent.decode(),
                "status": answer.status,
                "headers": {k.lower(): v for k, v in answer.getheaders()},
                "body": body.decode(),
            }
            with lock:
                capture.write(json.dumps(record) + "\n")
                capture.flush()
            self.send_response_only(answer.status)
            for name, value in answer.getheaders():
                if name.lower() not in ("transfer-encoding", "connection"):
                    self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = do_DELETE = pass_on

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Recorder)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(f"http://127.0.0.1:{server.server_port}", flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main(*sys.argv[1:])
