// The look of charts with a curve, its derivative and a feature map, beside the style all widgets share.
export const EXPLORER_STYLE = `
.cnnlab-card .own { display: contents; }
@media (max-width: 480px) { .cnnlab-card .controls > :first-child { grid-column: 1 / -1; } }
.cnnlab-card .panels { grid-template-columns: repeat(auto-fit, minmax(min(100%, max(290px, 45%)), 1fr)); }
.cnnlab-card .buttons { margin-top: 14px; }
.cnnlab-card .chart[tabindex] { touch-action: pan-y; cursor: crosshair; border-radius: 6px; }
.cnnlab-card .chart:focus-visible { outline: 3px solid var(--second); outline-offset: 2px; }
.cnnlab-card svg path.slope { stroke-dasharray: 7 4; }
.cnnlab-card svg path.quiet { stroke-width: 1.6; stroke-dasharray: 1.5 3.5; stroke-linecap: round; opacity: 0.85; }
.cnnlab-card svg path.input { stroke: var(--ink); stroke-width: 1.3; }
.cnnlab-card svg path.hill { fill: var(--edge); fill-opacity: 0.22; stroke: none; }
.cnnlab-card svg path.fan { fill: var(--first); fill-opacity: 0.25; stroke: none; }
.cnnlab-card svg path.bars { fill: var(--first); fill-opacity: 0.6; stroke: none; }
.cnnlab-card svg path.plus, .cnnlab-card svg rect.plus { fill: var(--first); stroke: none; }
.cnnlab-card svg path.minus, .cnnlab-card svg rect.minus { fill: var(--second); stroke: none; }
.cnnlab-card svg rect.none { fill: none; }
.cnnlab-card svg rect.edge { fill: none; stroke: var(--edge); }
.cnnlab-card svg line.zero { stroke: var(--edge); stroke-width: 1; }
.cnnlab-card svg line.reading { stroke: var(--ink); stroke-width: 1; stroke-dasharray: 2 3; }
.cnnlab-card svg text.halo { fill: var(--series); font-weight: 650; font-size: 13px; paint-order: stroke; stroke: var(--ground); stroke-width: 4px; }
.cnnlab-card svg text.strong { fill: var(--ink); }
.cnnlab-card .readout { font-size: 14px; font-variant-numeric: tabular-nums; white-space: pre-wrap; min-height: 3em; margin: 4px 0 0; }
.cnnlab-card table { border-collapse: collapse; width: 100%; margin: 6px 0 0; font-size: 14px; font-variant-numeric: tabular-nums; background: none; color: inherit; }
.cnnlab-card :is(th, td) { text-align: right; padding: 5px 6px; border: 0; border-bottom: 1px solid var(--line); background: none; color: inherit; font-weight: 400; vertical-align: bottom; }
.cnnlab-card th[scope="row"] { text-align: left; color: var(--muted); }
.cnnlab-card thead th { font-weight: 650; }
.cnnlab-card td { white-space: nowrap; }
.cnnlab-card td.old { color: var(--muted); }
.cnnlab-card .ten { font-size: 14px; margin-top: 10px; }
.cnnlab-card .maps { display: grid; grid-template-columns: repeat(3, minmax(0, 260px)); gap: 10px 18px; margin-top: 18px; }
.cnnlab-card .maps .chart { border: 1px solid var(--edge); margin-top: 6px; }
.cnnlab-card .maps figure { display: grid; grid-template-rows: 1fr auto; }
.cnnlab-card .scale { display: flex; flex-wrap: wrap; gap: 6px 18px; align-items: center; margin-top: 10px; font-size: 13px; color: var(--muted); }
.cnnlab-card .scale p { flex: 1 1 260px; }
`;
