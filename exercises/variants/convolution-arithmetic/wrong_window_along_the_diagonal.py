"""Changes only the pixels of the diagonal: what lies beside it is missed."""

# loses: test-window

# answer: window
def window(respond, height, width):
    seen = set()
    for _ in range(30):
        picture = torch.randn(height, width)
        before = respond(picture)
        for i in range(min(height, width)):
            changed = picture.clone()
            changed[i, i] += torch.randn(())
            if respond(changed) != before:
                seen.add(i)
    return min(seen), max(seen), min(seen), max(seen)
