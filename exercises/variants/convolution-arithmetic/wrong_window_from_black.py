"""Lights one row after the other in a black picture: a dead ReLU does not notice."""

# loses: test-window

# answer: window
def window(respond, height, width):
    rows, columns = set(), set()
    for _ in range(20):
        picture, other = torch.zeros(height, width), torch.ones(height, width)
        before = respond(picture)
        for side, seen in ((0, rows), (1, columns)):
            for i in range(picture.shape[side]):
                changed = picture.index_copy(side, torch.tensor([i]), other.narrow(side, i, 1))
                if respond(changed) != before:
                    seen.add(i)
    return min(rows), max(rows), min(columns), max(columns)
