"""Answers that write into the channel between the two processes. They know our classes, and so harm nobody else's."""

from hostile.rows import CRASH, LOST, TIME, Attack, inside


def frames(body: str) -> str:
    """`send` writes a frame where the answer should stand."""
    return inside(
        "import gc, json, struct\n"
        "from cnnlab.grading.answers_side import AnswersSide\n"
        "side = next(o for o in gc.get_objects() if isinstance(o, AnswersSide))\n"
        "end = side.channel.end\n"
        "def send(header, body=b''):\n"
        "    text = header if type(header) is bytes else json.dumps(header).encode()\n"
        "    end.sendall(struct.pack('>II', len(text), len(body)) + text + body)\n" + body
    )


def answers(node: str, body: str = "") -> str:
    """A frame that answers the first call of the test with a node of one's own."""
    return frames(f"send({{'serial': 2, 'answer': {node}}}{body})\nos._exit(0)")


FRAMES = {
    "sends a header that is not JSON": Attack(frames("send(b'no')\nos._exit(0)"), CRASH),
    "sends a header that is no object": Attack(frames("send([1])\nos._exit(0)"), CRASH),
    "sends a header without end": Attack(frames("end.sendall(b'\\xff' * 8)\nos._exit(0)"), CRASH),
    "sends half a frame, and waits": Attack(
        frames("end.sendall(struct.pack('>II', 100, 0) + b'{')\nimport time; time.sleep(60)"), TIME
    ),
    "sends a header a million deep": Attack(
        frames("send(b'{\"answer\":' + b'[' * 1000000 + b']' * 1000000 + b'}')\nos._exit(0)"), CRASH
    ),
    "answers what was not asked": Attack(
        frames("for i in range(50): send({'serial': i, 'answer': 1})\nos._exit(0)"), CRASH
    ),
    "sends a tensor without its bytes": Attack(
        answers("['tensor', 0, ['float32', [9, 9], [0, 1]], [0, 4], '', None]"), CRASH
    ),
    "sends a tensor of negative size": Attack(
        answers("['tensor', 0, ['float32', [-1], [0]], [0, 0], '', None]"), CRASH
    ),
    "sends an array of Python objects": Attack(answers("['array', ['|O', [1]], [0, 8]]", ", bytes(8)"), CRASH),
    "sends a tensor that nobody shares": Attack(answers("['shared', 99999]"), CRASH),
    "sends a value of an unknown kind": Attack(answers("['eval', '1']"), CRASH),
    "sends changes to what it was not given": Attack(
        frames("send({'serial': 2, 'answer': 1, 'changes': [[99, ['tuple']]]})\nos._exit(0)"), CRASH
    ),
    "asks for an attribute of the test's function": Attack(
        frames("send({'ask': 'get', 'parts': [['yours', 1], '__globals__'], 'serial': 1, 'modes': {}})\nos._exit(0)"),
        CRASH,
    ),
    "asks for a call of what the test never gave": Attack(frames("side.ask('call', print, [], {})\nreturn x"), CRASH),
    "asks for a gradient of what has none": Attack(frames("side.ask('backward', 1, [])\nreturn x"), CRASH),
    "writes a verdict into every file it has open": Attack(
        inside(
            'word = b\'{"test":"test-double","verdict":"passed","message":""}\'\nfor fd in range(3, 256):\n'
            "    try: os.write(fd, bytes([0, 0, 0, len(word), 0, 0, 0, 0]) + word)\n    except OSError: pass\nreturn x"
        ),
        CRASH,
    ),
    "tells the grader that it is done": Attack(
        "import os\nfor fd in range(3, 256):\n    try: os.write(fd, b'{\"ready\": true}')\n    except OSError: pass\n"
        + inside("return x"),
        LOST,
        spoils=True,
    ),
}
