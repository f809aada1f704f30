"""Stands for `mixup-gen` on the PATH: `python -I -S program.py SOCKET ARGUMENTS…`. See `client.program_folder`.

The server forks a process that has this one's arguments, folder, environment and streams. Imports as little as it can.
"""

import json
import os
import signal
import socket
import sys

connection = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
connection.connect(sys.argv[1])
asked = {"arguments": sys.argv[2:], "cwd": os.getcwd(), "environment": dict(os.environ)}
socket.send_fds(connection, [json.dumps(asked).encode()], [0, 1, 2])
for stream in (0, 1, 2):
    os.close(stream)
connection.recv(8)
ended = int.from_bytes(connection.recv(8), "little", signed=True)
if ended < 0:
    signal.signal(-ended, signal.SIG_DFL)
    os.kill(os.getpid(), -ended)
os._exit(ended)
