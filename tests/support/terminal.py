"""Runs a command on a terminal of its own: terminal.py <file for what is read> <command> [argument ...].

Prints the command's process number, and at its end its status. Lines on stdin: `read` reads what the
command writes from now on, `stop` and `start` are Ctrl-S and Ctrl-Q, `close` closes the terminal."""
import os, pty, sys, threading

pid, master = pty.fork()
if pid == 0:
    os.execvp(sys.argv[2], sys.argv[2:])
print(pid, flush=True)


def wait():
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    print(status, flush=True)
    os._exit(0)


def read():
    with open(sys.argv[1], 'ab', buffering=0) as copy:
        try:
            while True:
                copy.write(os.read(master, 65536))
        except OSError:
            pass


threading.Thread(target=wait).start()
for line in sys.stdin:
    command = line.strip()
    if command == 'read':
        threading.Thread(target=read, daemon=True).start()
    elif command == 'stop':
        os.write(master, b'\x13')
    elif command == 'start':
        os.write(master, b'\x11')
    elif command == 'close':
        os.close(master)
