import type { ContenderName } from '../contenders/contender.js';

export const WIDTH = 960;

/** Colour and shape, so that the contenders are told apart without colour as well. */
const MARKS: Readonly<Record<ContenderName, { colour: string; path: string }>> = {
  ours: { colour: '#2563eb', path: 'M-5 0a5 5 0 1 0 10 0a5 5 0 1 0 -10 0z' },
  base: { colour: '#9333ea', path: 'M0 -6l6 6l-6 6l-6 -6z' },
  parts: { colour: '#db2777', path: 'M-5 -5l10 10m0 -10l-10 10' },
  ws: { colour: '#64748b', path: 'M-6 -1.5h12v3h-12z' },
  'platform-ws': { colour: '#ea580c', path: 'M-4.5 -4.5h9v9h-9z' },
  'socket.io': { colour: '#0d9488', path: 'M0 -5.5l5.5 10h-11z' },
  tcp: { colour: '#94a3b8', path: 'M-6 -1.5h12v3h-12z' },
};

/** Light on dark where the reader's system is dark: the file is shown as an image, out of reach of the page's own style. */
const STYLE = `
  svg { font: 12px system-ui, -apple-system, 'Segoe UI', sans-serif }
  .paper { fill: #ffffff } text { fill: #1e293b } .faint { fill: #64748b }
  .title { font-size: 15px; font-weight: 600 } .grid { stroke: #e2e8f0 } .one { stroke: #64748b; stroke-width: 1.5 }
  @media (prefers-color-scheme: dark) {
    .paper { fill: #0f172a } text { fill: #e2e8f0 } .faint { fill: #94a3b8 } .grid { stroke: #1e293b } .one { stroke: #94a3b8 }
  }`;

/** A part of the picture with its own height, drawn from its own origin. */
export interface Panel {
  readonly height: number;
  readonly body: string;
}

export function stack(title: string, panels: readonly Panel[]): string {
  let y = 0;
  const groups = panels.map(({ height, body }) => {
    const group = `<g transform="translate(0 ${y})">${body}</g>`;
    y += height;
    return group;
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${y}" role="img" aria-label="${escape(title)}">
<style>${STYLE}
</style>
<rect class="paper" width="${WIDTH}" height="${y}" rx="8"/>
${groups.join('\n')}
</svg>
`;
}

export function text(
  x: number,
  y: number,
  content: string,
  style: { anchor?: 'start' | 'middle' | 'end'; kind?: string } = {},
): string {
  return `<text x="${at(x)}" y="${at(y)}" text-anchor="${style.anchor ?? 'start'}" class="${style.kind ?? ''}">${escape(content)}</text>`;
}

export function line(x1: number, y1: number, x2: number, y2: number, kind = 'grid'): string {
  return `<line x1="${at(x1)}" y1="${at(y1)}" x2="${at(x2)}" y2="${at(y2)}" class="${kind}"/>`;
}

export function mark(contender: ContenderName, x: number, y: number, tooltip: string): string {
  const { colour, path } = MARKS[contender];
  return `<path d="${path}" transform="translate(${at(x)} ${at(y)})" fill="${colour}"><title>${escape(tooltip)}</title></path>`;
}

export function curve(contender: ContenderName, points: readonly (readonly [number, number])[]): string {
  const list = points.map(([x, y]) => `${at(x)},${at(y)}`).join(' ');
  return `<polyline points="${list}" fill="none" stroke="${MARKS[contender].colour}" stroke-width="2"/>`;
}

export function whisker(contender: ContenderName, from: number, to: number, y: number): string {
  return `<line x1="${at(from)}" y1="${at(y)}" x2="${at(to)}" y2="${at(y)}" stroke="${MARKS[contender].colour}" stroke-width="2" opacity="0.45"/>`;
}

export function legend(contenders: readonly ContenderName[], x: number, y: number): string {
  return contenders.map((name, i) => mark(name, x + i * 110, y - 4, name) + text(x + 12 + i * 110, y, name)).join('');
}

function at(value: number): string {
  return value.toFixed(1);
}

function escape(content: string): string {
  return content.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');
}
