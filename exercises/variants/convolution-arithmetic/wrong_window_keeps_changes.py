"""Goes on from the changed picture, but compares with the answer to the first."""

# loses: test-window

# answer: window
def window(respond, height, width):
    rows, columns = set(), set()
    for _ in range(20):
        for size, seen, turn in ((height, rows, False), (width, columns, True)):
            picture = torch.randn(height, width)
            before = respond(picture)
            for i in range(size):
                (picture.T if turn else picture)[i] = torch.randn(width + height - size)
                if respond(picture) != before:
                    seen.add(i)
    return min(rows), max(rows), min(columns), max(columns)
