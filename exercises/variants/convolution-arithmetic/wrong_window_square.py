"""Measures the rows and takes the columns for as many."""

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
                if respond(changed) != before:
                    seen.add(i)
    return min(rows), max(rows), min(columns), min(columns) + max(rows) - min(rows)
