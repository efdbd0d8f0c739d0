// The look of a widget. It brings its own background, so it is legible on any page; pages that say dark make it dark.
import { make } from "./controls.js";

const LIGHT = `--ground: var(--pst-color-background, var(--jp-layout-color1, #fff)); --ink: #1d2529; --muted: #55626a;
  --line: #d5dce0; --edge: #7d8a92; --first: #17697a; --second: #a4550b; --band: #17697a1f; --on-accent: #fff; --bad: #a31c36; color-scheme: light;`;
const DARK = `--ground: var(--pst-color-background, var(--jp-layout-color1, #14191d)); --ink: #e4eaed; --muted: #a5b2ba;
  --line: #38434a; --edge: #83919a; --first: #6fc3d2; --second: #f0a75a; --band: #6fc3d22b; --on-accent: #10171a; --bad: #ff8d9c; color-scheme: dark;`;

const STYLE = `
.cnnlab-card { ${LIGHT} }
@media (prefers-color-scheme: dark) {
  html:not([data-theme], [theme]) body:not([data-jp-theme-light], .vscode-light) .cnnlab-card { ${DARK} }
}
:is(html[data-theme="dark"], html[theme="dark"], body[data-jp-theme-light="false"], body.vscode-dark) .cnnlab-card { ${DARK} }

.cnnlab-card { background: var(--ground); color: var(--ink); border: 1px solid var(--line); border-radius: 10px; box-sizing: border-box;
  padding: 16px 18px; font: 15px/1.5 system-ui, -apple-system, "Segoe UI", sans-serif; max-width: 100%; }
.cnnlab-card * { box-sizing: border-box; }
.cnnlab-card p { margin: 0; color: inherit; }
.cnnlab-card .look { text-wrap: pretty; color: var(--muted); font-size: 14px; margin-bottom: 14px; }
.cnnlab-card .controls { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(150px, 45%), 1fr)); gap: 12px 20px; align-items: end; }
.cnnlab-card .control { display: grid; gap: 4px; font-size: 13px; font-weight: 600; margin: 0; min-width: 0; }
.cnnlab-card .value { font-weight: 400; color: var(--muted); font-variant-numeric: tabular-nums; float: right; padding: 0 0 0 0.5em; }
.cnnlab-card select { width: 100%; min-width: 0; }
.cnnlab-card :is(select, button) { font: inherit; font-size: 14px; font-weight: 400; color: var(--ink); background: var(--ground);
  border: 1px solid var(--edge); border-radius: 6px; height: 34px; padding: 0 10px; margin: 0; max-width: 100%; cursor: pointer; }
.cnnlab-card button.main { background: var(--first); border-color: var(--first); color: var(--on-accent); font-weight: 600; min-width: 9.5em; }
.cnnlab-card input[type="range"] { width: 100%; height: 34px; margin: 0; accent-color: var(--first); cursor: pointer; }
.cnnlab-card input:disabled { opacity: 0.45; cursor: default; }
.cnnlab-card :is(select, button, input):focus-visible { outline: 3px solid var(--second); outline-offset: 2px; border-radius: 6px; }
.cnnlab-card .panels { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(290px, 100%), 1fr)); gap: 10px 22px; margin-top: 18px; }
.cnnlab-card figure { margin: 0; padding: 0; min-width: 0; }
.cnnlab-card figcaption { font-size: 14px; line-height: 1.35; color: var(--ink); text-align: left; margin: 0; font-weight: 400; }
.cnnlab-card figcaption b { font-weight: 650; }
.cnnlab-card figcaption span { display: block; color: var(--muted); font-size: 13px; font-variant-numeric: tabular-nums; }
.cnnlab-card svg { display: block; background: none; max-width: 100%; overflow: visible; }
.cnnlab-card svg text { fill: var(--muted); font: 12px system-ui, -apple-system, "Segoe UI", sans-serif; }
.cnnlab-card svg text.border { fill: var(--bad); font-weight: 600; paint-order: stroke; stroke: var(--ground); stroke-width: 4px; }
.cnnlab-card svg .grid { stroke: var(--line); stroke-width: 1; }
.cnnlab-card svg .band { fill: var(--band); }
.cnnlab-card svg path { fill: none; stroke: var(--series); stroke-width: 2; stroke-linejoin: round; }
.cnnlab-card svg path.theory { stroke: var(--ink); stroke-width: 1.5; stroke-dasharray: 6 4; }
.cnnlab-card svg path.before { stroke: var(--edge); stroke-width: 1.5; stroke-dasharray: 1.5 3; stroke-linecap: round; }
.cnnlab-card svg path.raw { stroke-width: 1; opacity: 0.4; }
.cnnlab-card svg .mark { fill: var(--series); stroke: var(--ground); stroke-width: 0.8; }
.cnnlab-card svg .mark.open { fill: var(--ground); stroke: var(--series); stroke-width: 2; }
.cnnlab-card svg .mark.cross { stroke: var(--bad); stroke-width: 2; fill: none; }
.cnnlab-card svg path.ink { fill: var(--ink); stroke: none; }
.cnnlab-card svg .wrong { fill: none; stroke: var(--bad); stroke-width: 0.6; }
.cnnlab-card .first { --series: var(--first); }
.cnnlab-card .second { --series: var(--second); }
.cnnlab-card .legend { display: flex; flex-wrap: wrap; gap: 2px 18px; font-size: 13px; color: var(--muted); margin-top: 4px; }
.cnnlab-card .legend svg { display: inline-block; vertical-align: middle; margin-right: 6px; }
.cnnlab-card .verdict { margin-top: 12px; padding-left: 12px; border-left: 3px solid var(--first); min-height: 3em; }
.cnnlab-card .trainer { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(290px, 100%), 1fr)); gap: 12px 22px;
  border-top: 1px solid var(--line); margin-top: 16px; padding-top: 14px; }
.cnnlab-card .bench { display: grid; gap: 12px; align-content: start; }
.cnnlab-card .buttons { display: flex; flex-wrap: wrap; gap: 10px; align-items: center; }
`;

/** The style of a widget, for its own cards alone: others stand on the same page, with rules of the same names. */
export const styleOf = (widget, ...sheets) =>
  make("style", { textContent: [STYLE, ...sheets].join("").replaceAll(".cnnlab-card", `.cnnlab-card.${widget}`) });
