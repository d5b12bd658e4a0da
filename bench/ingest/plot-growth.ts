/** The points of one line: chunks in the database, and the value there. */
type Points = readonly { chunks: number; value: number }[];

interface Line {
  name: string;
  colour: string;
  points: Points;
}

const width = 760;
const left = 64;
const right = 150;
const panelHeight = 230;
const gap = 76;
const top = 56;

/** An SVG picture of what `--growth` measured: cost of a chunk and the worker's memory over the size of the database. */
export function plotGrowth(metrics: Readonly<Record<string, number>>, caption: string): string {
  const of = (metric: string): Points =>
    Object.entries(metrics).flatMap(([name, value]) => {
      const chunks = new RegExp(`^growth\\.to_(\\d+)_chunks\\.${metric}$`).exec(name)?.[1];
      return chunks === undefined ? [] : [{ chunks: Number(chunks), value }];
    });
  const cost: Line[] = [
    { name: 'Perdure', colour: '#1f6feb', points: of('cpu_ms_per_chunk') },
    { name: 'plain SQL (COPY)', colour: '#c4520a', points: of('raw_cpu_ms_per_chunk') },
  ];
  const memory: Line[] = [
    { name: 'worker, whole', colour: '#1f6feb', points: of('worker_mb') },
    { name: 'live JavaScript', colour: '#c4520a', points: of('worker_live_mb') },
  ];
  const sizes = cost[0]!.points.map(({ chunks }) => chunks);
  if (sizes.length < 2) throw new Error('A plot needs at least two sizes: was this measured with --growth?');
  const height = top + 2 * panelHeight + gap + 88;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="13">`,
    `<rect width="${width}" height="${height}" fill="#fff"/>`,
    panel({ title: 'Processor time a chunk, ms (all processes)', y: top, lines: cost, sizes }),
    panel({ title: 'Memory of the worker, MB', y: top + panelHeight + gap, lines: memory, sizes }),
    text(left, height - 30, 'Chunks in the database when the part was ingested (logarithmic)'),
    text(left, height - 10, caption, '#666'),
    '</svg>\n',
  ].join('\n');
}

function panel({ title, y, lines, sizes }: { title: string; y: number; lines: Line[]; sizes: number[] }): string {
  const step = niceStep(Math.max(...lines.flatMap(({ points }) => points.map(({ value }) => value))));
  const [first, last] = [Math.log(sizes[0]!), Math.log(sizes.at(-1)!)];
  const toX = (chunks: number) => left + ((Math.log(chunks) - first) / (last - first)) * (width - left - right);
  const toY = (value: number) => y + panelHeight * (1 - value / (step * 4));
  const grid = [0, 1, 2, 3, 4].flatMap((n) => [
    `<line x1="${left}" x2="${width - right}" y1="${toY(n * step)}" y2="${toY(n * step)}" stroke="#ddd"/>`,
    text(left - 8, toY(n * step) + 4, String(Number((n * step).toPrecision(3))), '#444', 'end'),
  ]);
  const ticks = sizes.map((size) =>
    text(toX(size), y + panelHeight + 18, size.toLocaleString('en-US'), '#444', 'middle'),
  );
  const drawn = lines.flatMap(({ name, colour, points }) => {
    const places = points.map(({ chunks, value }) => `${toX(chunks).toFixed(1)},${toY(value).toFixed(1)}`);
    const end = points.at(-1)!;
    return [
      `<polyline points="${places.join(' ')}" fill="none" stroke="${colour}" stroke-width="2"/>`,
      ...places.map(
        (place) => `<circle cx="${place.split(',')[0]}" cy="${place.split(',')[1]}" r="3" fill="${colour}"/>`,
      ),
      text(width - right + 8, toY(end.value) + 4, name, colour),
    ];
  });
  return [text(left, y - 14, title, '#111'), ...grid, ...ticks, ...drawn].join('\n');
}

/** A quarter of the axis: 1, 2, 2.5 or 5 of some power of ten. */
function niceStep(most: number): number {
  const power = 10 ** Math.floor(Math.log10(most / 4));
  return power * [1, 2, 2.5, 5, 10].find((factor) => factor * power * 4 >= most)!;
}

function text(x: number, y: number, content: string, fill = '#111', anchor = 'start'): string {
  const safe = content.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
  return `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" fill="${fill}" text-anchor="${anchor}">${safe}</text>`;
}
