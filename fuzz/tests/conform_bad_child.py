# SPDX-License-Identifier: BSD-3-Clause
"""A child of gomap-conform that is at fault in the way its argument names; for conform_faults.

    build/gcc/gomap-conform -- python3 fuzz/tests/conform_bad_child.py hang
"""
import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "conform"))
sys.dont_write_bytecode = True
import child_dict  # noqa: E402

MODE = sys.argv[1]


def write(text):
    sys.stdout.write(text)
    sys.stdout.flush()


def at_fault(child, words):
    """What it does on `clear` instead of clearing."""
    if MODE == "hang":
        time.sleep(1000)
    elif MODE == "crash":
        os.abort()
    elif MODE == "exit":
        os._exit(3)
    elif MODE == "half":
        write("ok")
        os._exit(0)
    elif MODE == "nonsense":
        return "what \x01 is clear?"
    elif MODE == "closed":
        os.close(1)
        time.sleep(1000)
    elif MODE == "long":
        while True:
            write("x" * 65536)
    elif MODE == "unasked":
        return child.answer(words) + "\nok 0"
    elif MODE == "keeps":
        return child.ok()
    elif MODE == "nomem":
        return "nomem"
    elif MODE == "panic":
        return "panic out of order"
    return child.answer(words)


def main():
    child = child_dict.Child()
    for line in sys.stdin:
        words = line.split()
        if words[0] == "hello" and MODE in ("no-hello", "foreign", "other-words", "no-level", "no-kind"):
            write({"no-hello": "", "foreign": "GMGO\n", "other-words": "hello 1 levels=map ptrsize=2\n",
                   "no-level": "hello 1 levels=maps\n", "no-kind": "hello 1 levels=map keys=int65\n"}[MODE])
            continue
        if words[0] == "hello" and MODE == "ends":
            return
        try:
            said = at_fault(child, words) if words == ["clear"] else child.answer(words)
            if MODE == "refuses" and words[0] != "hello":
                said = "unsupported"
            if MODE == "wrong-length" and words[0] == "del":
                said = "ok 70000"
            if MODE == "wrong-elem" and words[0] == "get" and said != "absent":
                said = "ok i70000"
            if MODE == "absent" and words[0] == "get":
                said = "absent"
        except TypeError as error:
            said = "panic %s" % error
        write(said + "\n")


if __name__ == "__main__":
    main()
