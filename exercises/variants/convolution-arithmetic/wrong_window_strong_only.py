"""Wants a change that can be seen: the border of a field has little influence, but it has some."""

# loses: test-window

# answer: window
def window(respond, height, width):
    rows, columns = set(), set()
    for _ in range(20):
        picture, other = torch.randn(2, height, width)
        before = respond(picture)
        for side, seen in ((0, rows), (1, columns)):
            for i in range(picture.shape[side]):
                changed = picture.index_copy(side, torch.tensor([i]), other.narrow(side, i, 1))
                if abs(respond(changed) - before) > 0.1:
                    seen.add(i)
    return min(rows), max(rows), min(columns), max(columns)
