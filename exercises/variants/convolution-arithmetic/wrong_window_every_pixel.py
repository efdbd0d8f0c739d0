"""Changes pixels one by one, more pictures than there are."""

# loses: test-window

# answer: window
def window(respond, height, width):
    rows, columns = set(), set()
    for _ in range(20):
        picture = torch.randn(height, width)
        before = respond(picture)
        for place in range(height * width):
            changed = picture.clone()
            changed.view(-1)[place] += torch.randn(())
            if respond(changed) != before:
                rows.add(place // width)
                columns.add(place % width)
    return min(rows), max(rows), min(columns), max(columns)
