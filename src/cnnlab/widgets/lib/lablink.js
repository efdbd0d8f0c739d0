// A setting as an address: `#lab={...}&widget=2`, what stands in the link and which widget of the page it is of.

/** Where the card stands among the widgets of its page, from 0; -1 in a notebook, where nobody counts them. */
const placeOf = (card) => [...document.querySelectorAll(".cnnlab-widget")].indexOf(card.closest(".cnnlab-widget"));

export function linkTo(setting, card) {
  const place = placeOf(card);
  return `#lab=${encodeURIComponent(JSON.stringify(setting))}${place < 0 ? "" : `&widget=${place}`}`;
}

/**
 * What the page's address says to this card: {setting, damage}, or null where it says nothing, or means another widget.
 * A value that `allows(name, value)` refuses is left out, and `damage` says so.
 */
export function settingOfAddress(card, allows) {
  const [, text] = /[#&]lab=([^&]*)/.exec(location.hash) ?? [], [, place] = /[#&]widget=(\d+)/.exec(location.hash) ?? [];
  const here = placeOf(card);
  if (text === undefined || (place !== undefined && here >= 0 && Number(place) !== here)) return null;
  const given = read(text);
  if (!given) return { setting: {}, damage: "The link was damaged: the lab opens with its own setting." };
  const [good, bad] = [true, false].map((wanted) => Object.entries(given).filter(([name, value]) => allows(name, value) === wanted));
  const names = bad.map(([name]) => name.replaceAll("_", " ")).join(", ");
  return { setting: Object.fromEntries(good), damage: names && `The link was damaged: what it says of ${names} is left out.` };
}

/** The object that the text of an address stands for, or null where somebody cut it short. */
function read(text) {
  try {
    const given = JSON.parse(decodeURIComponent(text));
    return given && typeof given === "object" && !Array.isArray(given) ? given : null;
  } catch {
    return null;
  }
}
