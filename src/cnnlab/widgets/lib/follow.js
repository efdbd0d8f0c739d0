// A card that is drawn anew when what it shows has changed: at most once a frame, and never for nothing.

/**
 * Draws now, and again when one of the model's traits or the card's width has changed.
 * `again` asks for a drawing at the next frame; `end` is for when the view goes.
 */
export function follow(model, traits, card, draw) {
  let waiting = 0, width = 0;
  const refresh = () => {
    waiting = 0;
    draw();
    width = card.clientWidth;
  };
  const again = () => { waiting ||= requestAnimationFrame(refresh); };
  const observer = new ResizeObserver(() => { if (card.clientWidth !== width) again(); });
  refresh();
  traits.forEach((name) => model.on(`change:${name}`, again));
  observer.observe(card);
  const end = () => {
    cancelAnimationFrame(waiting);
    observer.disconnect();
    traits.forEach((name) => model.off(`change:${name}`, again));
  };
  return { again, end };
}

/** A function that sets several traits and tells the kernel once. */
export const putInto = (model) => (values) => {
  Object.entries(values).forEach(([name, value]) => model.set(name, value));
  model.save_changes();
};
