#!/usr/bin/python3
"""A small shop: it counts its visitors in PostgreSQL.

Where the database is, PGHOST, PGPORT, PGUSER, PGPASSWORD and PGDATABASE say. It takes its port from whoever holds it
(sd_listen_fds), or opens the one that it is given: ./shop.py 8080
"""

import http.server
import os
import signal
import socket
import sys
import threading

import psycopg2

SIGNALS = {signal.SIGTERM, signal.SIGINT, signal.SIGUSR1, signal.SIGUSR2}
LISTENING = 3  # the first descriptor that is handed over


def notify(text):
    """sd_notify(3)."""
    path = os.environ.get("NOTIFY_SOCKET")
    if path:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notices:
            notices.sendto(text.encode(), path)


def query(*statements):
    """Each in its own transaction; the first column of the last one's row."""
    connection = psycopg2.connect(connect_timeout=2)
    try:
        connection.autocommit = True
        with connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
            return cursor.fetchone()[0]
    finally:
        connection.close()


class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        try:
            if self.path == "/alive":
                return self.answer(200, f"alive, {query('SELECT count(*) FROM visits')} visits so far\n")
            number = query("INSERT INTO visits DEFAULT VALUES RETURNING number")
            self.answer(200, f"You are visitor {number}.\n")
        except psycopg2.Error as problem:
            self.answer(503, f"The database does not answer: {problem}\n")

    def answer(self, status, text):
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/plain; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format, *values):
        if self.path != "/alive":
            print(self.address_string(), format % values, flush=True)


class Shop(http.server.ThreadingHTTPServer):
    """Serves in a thread of its own, and knows how many requests are under way."""

    def __init__(self):
        held = os.environ.get("LISTEN_PID") == str(os.getpid())
        port = 0 if held or len(sys.argv) < 2 else int(sys.argv[1])
        super().__init__(("127.0.0.1", port), Page, bind_and_activate=not held)
        if held:
            self.socket.close()
            self.socket = socket.socket(fileno=LISTENING)
        self.under_way = 0
        self.idle = threading.Condition()
        self.serving = None

    def process_request(self, request, client_address):
        with self.idle:
            self.under_way += 1
        super().process_request(request, client_address)

    def shutdown_request(self, request):
        super().shutdown_request(request)
        with self.idle:
            self.under_way -= 1
            self.idle.notify_all()

    def open(self):
        if not self.serving:
            self.serving = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05})
            self.serving.start()

    def drain(self):
        """Takes nothing new; who comes now waits at the port. Returns when what was under way is done."""
        if self.serving:
            self.shutdown()
            self.serving.join()
            self.serving = None
        with self.idle:
            self.idle.wait_for(lambda: self.under_way == 0)


def main():
    signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    query("CREATE TABLE IF NOT EXISTS visits (number serial PRIMARY KEY, at timestamptz DEFAULT now())", "SELECT 1")
    shop = Shop()
    shop.open()
    while True:
        number = signal.sigwait(SIGNALS)
        if number == signal.SIGUSR2:
            shop.open()
            continue
        shop.drain()
        if number != signal.SIGUSR1:
            return
        notify("X_DRAINED=1")


main()
