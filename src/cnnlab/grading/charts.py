"""Small charts as inline SVG: how grades spread, how a question went."""

from cnnlab.grading.pages import Html, points, tag

BINS = 10
WIDTH, HEIGHT, FOOT = 440, 160, 22


def histogram(totals: list[float], most: float) -> Html:
    """How many submissions have which share of the points, in tenths; full marks stand in a bar of their own."""
    counts = [0] * (BINS + 1)
    for total in totals:
        counts[min(BINS, max(0, int(BINS * total / most + 1e-9))) if most else 0] += 1
    step, high = WIDTH / (BINS + 1), max(counts)
    parts = []
    for i, count in enumerate(counts):
        tall = (HEIGHT - FOOT - 20) * count / high
        x, y = i * step, HEIGHT - FOOT - tall
        parts.append(
            tag(
                "rect", x=f"{x + 3:.1f}", y=f"{y:.1f}", width=f"{step - 6:.1f}", height=f"{tall:.1f}", class_="fill-bar"
            )
        )
        if count:
            parts.append(tag("text", count, x=f"{x + step / 2:.1f}", y=f"{y - 5:.1f}", text_anchor="middle"))
        low = f"{points(most * i / BINS)}" + ("+" if i < BINS else "")
        parts.append(tag("text", low, x=f"{x + step / 2:.1f}", y=HEIGHT - 6, text_anchor="middle"))
    parts.append(tag("line", x1=0, x2=WIDTH, y1=HEIGHT - FOOT, y2=HEIGHT - FOOT, class_="axis"))
    says = "; ".join(f"{count} with {points(most * i / BINS)} or more" for i, count in enumerate(counts) if count)
    view = f"0 0 {WIDTH} {HEIGHT}"
    return tag("svg", *parts, viewBox=view, width=WIDTH, height=HEIGHT, role="img", aria_label=f"Points: {says}.")


def shares(full: int, some: int, count: int) -> Html:
    """A bar: how many have full points, some, none."""
    parts, x = [], 0.0
    for number, kind in ((full, "good"), (some, "part"), (count - full - some, "bad")):
        wide = 120 * number / max(1, count)
        if number:
            parts.append(tag("rect", x=f"{x:.1f}", y=3, width=f"{wide:.1f}", height=14, class_=f"fill-{kind}"))
        x += wide
    says = f"{full} full, {some} some, {count - full - some} none"
    return tag("svg", *parts, viewBox="0 0 120 20", width=120, height=20, role="img", aria_label=says)
