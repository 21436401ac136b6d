# SPDX-License-Identifier: GPL-3.0-or-later
"""An HTTP proxy that only knows CONNECT (RFC 9110 §9.3.6), as companies have one at their border."""

import socket
import socketserver
import threading


class ConnectProxy:
    """.seen: the targets that clients asked for. .status: of the answer; 200 makes the tunnel."""

    def __init__(self):
        proxy = self
        self.seen, self.status = [], 200

        class Handler(socketserver.StreamRequestHandler):
            rbufsize = 0  # what follows the head belongs to the tunnel

            def handle(self):
                method, target, _ = self.rfile.readline().decode().split(" ", 2)
                while self.rfile.readline().strip():
                    pass
                assert method == "CONNECT", method
                proxy.seen.append(target)
                self.wfile.write(f"HTTP/1.1 {proxy.status} said by the proxy\r\n\r\n".encode())
                if proxy.status == 200:
                    self.tunnel(target)

            def tunnel(self, target):
                host, _, port = target.rpartition(":")
                with socket.create_connection((host, int(port))) as upstream:
                    back = threading.Thread(target=copy, args=(upstream, self.request), daemon=True)
                    back.start()
                    copy(self.request, upstream)
                    back.join()

        self._server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def stop(self):
        self._server.shutdown()
        self._server.server_close()


def copy(source, sink):
    try:
        while data := source.recv(65536):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        pass  # either side may leave
