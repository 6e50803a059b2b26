"""Moves raw Ethernet frames between a test and one interface.

Each line on standard input is the hex form of a frame to send ("repeat N HEX" sends it N times);
each line on standard output is the hex form of a received UDP frame to port 67 or 68 (IPv4), 546
or 547 (IPv6). It knows nothing of DHCP.
"""
import os
import select
import socket
import sys

PACKET_OUTGOING = 4


def wanted(frame):
    if frame[12:14] == b"\x86\xdd":
        return frame[20:21] == b"\x11" and int.from_bytes(frame[56:58], "big") in (546, 547)
    if len(frame) < 42 or frame[12:14] != b"\x08\x00" or frame[23] != 17:
        return False
    at = 14 + (frame[14] & 15) * 4
    return int.from_bytes(frame[at + 2:at + 4], "big") in (67, 68)


def send(port, frame):
    while True:
        try:
            port.send(frame)
            return
        except BlockingIOError:
            select.select([], [port], [], 1)
        except OSError as error:
            sys.stderr.write("send: %s\n" % error)
            return


def main():
    port = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
    port.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
    port.bind((sys.argv[1], 3))
    port.setblocking(False)
    out = sys.stdout
    out.write("ready\n")
    out.flush()
    pending = b""
    while True:
        readable, _, _ = select.select([port, 0], [], [])
        if port in readable:
            try:
                for _ in range(256):
                    frame, source = port.recvfrom(65536)
                    if source[2] != PACKET_OUTGOING and wanted(frame):
                        out.write(frame.hex() + "\n")
            except BlockingIOError:
                pass
            except OSError:
                pass  # the interface went down
            out.flush()
        if 0 in readable:
            data = os.read(0, 1 << 20)
            if not data:
                return
            *lines, pending = (pending + data).split(b"\n")
            for line in lines:
                words = line.decode().split()
                count = int(words[1]) if words[0] == "repeat" else 1
                frame = bytes.fromhex(words[-1])
                for _ in range(count):
                    send(port, frame)


main()
