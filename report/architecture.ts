// Draws a model's architecture as an SVG in the manner of visualkeras' layered view: a volume for each layer's output.
import type { LayerShape } from './layer-shapes.ts';
import { textWidth } from './text-width.ts';

/** A layer placed on the canvas; lengths in pixels. */
interface Placed {
  readonly layer: LayerShape;
  readonly x: number;
  /** Extent along the row of layers: the channels. */
  readonly thickness: number;
  /** Extent upwards: the picture's height, or a vector's length. */
  readonly height: number;
  /** Extent into the page: the picture's width. */
  readonly depth: number;
}

const tallest = 190; // pixels of the tallest volume's front
const foreshortening = 0.34; // of lengths that go into the page, along 45°
const fontSize = 11;
const labelAngle = 45; // degrees
const narrowestStep = 17; // between two layers, so that slanted labels do not touch
const margin = 18;
const titleHeight = 52;
const gaps = { layer: 6, block: 26 };

/** A colour for each kind of layer; kinds that are not listed take one of `otherColours` in order of appearance. */
const colours: Readonly<Record<string, string>> = {
  InputLayer: '#d9d9d9',
  Rescaling: '#c7c1b4',
  Conv2D: '#f2b44c',
  MaxPooling2D: '#d95f4b',
  BatchNormalization: '#7fb77e',
  Activation: '#b7d36b',
  ReLU: '#b7d36b',
  Dropout: '#b294c7',
  Flatten: '#8d99a6',
  GlobalAveragePooling2D: '#c2476b',
  Dense: '#4f8fc9',
};
const otherColours = ['#3aa6a0', '#a87c5a', '#6b6ecf', '#d688b6', '#5c7a4d'];

/** Layers that end a block: what follows stands apart. */
const blockEnds = new Set([
  'MaxPooling2D',
  'AveragePooling2D',
  'GlobalAveragePooling2D',
  'GlobalMaxPooling2D',
]);

/** Layers that change no shape: drawn as slices, not as volumes of their own. */
const slices = new Set(['Rescaling', 'BatchNormalization', 'Activation', 'ReLU', 'Dropout', 'InputLayer']);

/**
 * An SVG of the layers in order, left to right. Heights, widths and channels are drawn as their square roots, so that
 * 7 × 7 can be seen beside 224 × 224; vectors are thin bars, as their logarithm. A pure function: same layers, same bytes.
 *
 * @param layers output shape and kind of each layer (`layersOf`)
 * @param title headline of the drawing
 */
export function architectureSvg(layers: readonly LayerShape[], title: string): string {
  const placed = place(layers);
  const palette = paletteOf(layers);
  const labelLength = Math.max(0, ...layers.map((layer) => textWidth(labelOf(layer), fontSize)));
  const labelDrop = labelLength * Math.sin((labelAngle * Math.PI) / 180);
  const deepest = Math.max(0, ...placed.map((p) => p.depth));
  const axis = titleHeight + deepest + tallest / 2; // all volumes are centred on this line
  const floor = axis + tallest / 2 + 12; // labels hang below it
  const right = Math.max(0, ...placed.map((p) => p.x + p.thickness + p.depth));
  const overhang = overhangOf(placed); // what labels need to the left of the first layer
  const content = Math.max(
    overhang + right,
    textWidth(title, 15) * 1.1,
    textWidth(summary(layers), fontSize),
  );
  const legend = legendOf(palette, layers, content);
  const width = Math.ceil(Math.max(content, legend.width) + 2 * margin);
  const legendTop = floor + labelDrop + 22;
  const height = Math.ceil(legendTop + legend.height + margin);
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" font-family="Helvetica, Arial, DejaVu Sans, sans-serif" font-size="${fontSize}">`,
    `<title>${escapeXml(title)}</title>`,
    `<rect width="${width}" height="${height}" fill="#fff"/>`,
    `<text x="${margin}" y="24" font-size="15" font-weight="bold" fill="#222">${escapeXml(title)}</text>`,
    `<text x="${margin}" y="42" fill="#666">${escapeXml(summary(layers))}</text>`,
    `<g transform="translate(${number(margin + overhang)} 0)" stroke-linejoin="round">`,
    ...placed.map((p) => leader(p, axis, floor)),
    ...placed.map((p) => volume(p, axis, palette.get(p.layer.kind)!)),
    ...placed.map((p) => label(p, floor)),
    '</g>',
    `<g transform="translate(${margin} ${number(legendTop)})">`,
    ...legend.items,
    '</g>',
    '</svg>',
    '',
  ].join('\n');
}

function place(layers: readonly LayerShape[]): Placed[] {
  const side = Math.max(1, ...layers.flatMap(({ shape }) => (shape.length === 3 ? shape.slice(0, 2) : [])));
  const longest = Math.max(
    2,
    ...layers.flatMap(({ shape }) => (shape.length === 3 ? [] : [elements(shape)])),
  );
  const placed: Placed[] = [];
  let x = 0;
  let previous: LayerShape | undefined;
  for (const layer of layers) {
    const slice = slices.has(layer.kind);
    const [h = 1, w = 1, channels = 1] = layer.shape;
    const size =
      layer.shape.length === 3
        ? {
            thickness: slice ? 5 : Math.max(7, 2 * Math.sqrt(channels)),
            height: Math.max(10, tallest * Math.sqrt(h / side)),
            depth: Math.max(3, tallest * Math.sqrt(w / side) * foreshortening),
          }
        : {
            thickness: slice ? 5 : 9,
            height: Math.max(
              12,
              tallest * 0.9 * (Math.log2(1 + elements(layer.shape)) / Math.log2(1 + longest)),
            ),
            depth: 5,
          };
    const last = placed.at(-1);
    if (last !== undefined) {
      const apart = blockEnds.has(previous!.kind) || previous!.shape.length !== layer.shape.length;
      const step = last.thickness + (apart ? gaps.block : gaps.layer);
      x = last.x + Math.max(step, narrowestStep + (last.thickness - size.thickness) / 2);
    }
    placed.push({ layer, x, ...size });
    previous = layer;
  }
  return placed;
}

/** A box seen from the front, the right and above; a later layer is nearer and so is drawn over it. */
function volume({ x, thickness, height, depth, layer }: Placed, axis: number, colour: string): string {
  const top = axis - height / 2;
  const bottom = axis + height / 2;
  const right = x + thickness;
  const paint = (points: number[][], fill: string) =>
    `<polygon points="${points.map((point) => point.map(number).join(',')).join(' ')}" fill="${fill}" stroke="#3a3a3a" stroke-width="0.7"/>`;
  return [
    `<g><title>${escapeXml(`${layer.name}: ${layer.kind}, ${shapeText(layer.shape)}, ${count(layer.parameters)} parameters`)}</title>`,
    paint(
      [
        [x, top],
        [x + depth, top - depth],
        [right + depth, top - depth],
        [right, top],
      ],
      shade(colour, 1.12),
    ),
    paint(
      [
        [right, top],
        [right + depth, top - depth],
        [right + depth, bottom - depth],
        [right, bottom],
      ],
      shade(colour, 0.78),
    ),
    paint(
      [
        [x, top],
        [right, top],
        [right, bottom],
        [x, bottom],
      ],
      colour,
    ),
    '</g>',
  ].join('');
}

/** A dotted line from a volume down to its label. */
function leader({ x, thickness, height }: Placed, axis: number, floor: number): string {
  const middle = number(x + thickness / 2);
  return `<line x1="${middle}" y1="${number(axis + height / 2)}" x2="${middle}" y2="${number(floor)}" stroke="#bbb" stroke-dasharray="1.5 2.5"/>`;
}

function label({ x, thickness, layer }: Placed, floor: number): string {
  const at = `${number(x + thickness / 2 + 4)} ${number(floor + 8)}`;
  return `<text transform="translate(${at}) rotate(-${labelAngle})" text-anchor="end" fill="#222">${escapeXml(layer.name)}<tspan dx="6" fill="#777">${shapeText(layer.shape)}</tspan></text>`;
}

/** How far labels reach to the left of the first layer. */
function overhangOf(placed: readonly Placed[]): number {
  const reach = ({ x, layer }: Placed) =>
    textWidth(labelOf(layer), fontSize) * Math.cos((labelAngle * Math.PI) / 180) - x;
  return Math.max(0, ...placed.map(reach));
}

/** A swatch for each kind of layer, in rows of at most `width` pixels. */
function legendOf(palette: ReadonlyMap<string, string>, layers: readonly LayerShape[], width: number) {
  const rowHeight = 20;
  let x = 0;
  let y = 0;
  let widest = 0;
  const items: string[] = [];
  for (const [kind, colour] of palette) {
    const times = layers.filter((layer) => layer.kind === kind).length;
    const text = times > 1 ? `${kind} × ${times}` : kind;
    const length = 17 + textWidth(text, fontSize);
    if (x > 0 && x + length > width) {
      x = 0;
      y += rowHeight;
    }
    items.push(
      `<rect x="${number(x)}" y="${y}" width="12" height="12" fill="${colour}" stroke="#3a3a3a" stroke-width="0.7"/><text x="${number(x + 17)}" y="${y + 10}" fill="#222">${escapeXml(text)}</text>`,
    );
    widest = Math.max(widest, x + length);
    x += length + 14;
  }
  return { items, width: widest, height: y + 14 };
}

function paletteOf(layers: readonly LayerShape[]): Map<string, string> {
  const palette = new Map<string, string>();
  let others = 0;
  for (const { kind } of layers) {
    if (palette.has(kind)) continue;
    palette.set(kind, colours[kind] ?? otherColours[others++ % otherColours.length]!);
  }
  return palette;
}

function summary(layers: readonly LayerShape[]): string {
  const parameters = layers.reduce((sum, layer) => sum + layer.parameters, 0);
  const trainable = layers.reduce((sum, layer) => sum + layer.trainableParameters, 0);
  return `${layers.length} layers, ${count(parameters)} parameters, ${count(trainable)} of them trainable`;
}

const labelOf = (layer: LayerShape) => `${layer.name}  ${shapeText(layer.shape)}`;
const shapeText = (shape: readonly number[]) => shape.join('×');
const elements = (shape: readonly number[]) => shape.reduce((product, length) => product * length, 1);

/** `14714688` → `14,714,688`, without the locale's say. */
const count = (value: number) => String(value).replace(/\B(?=(\d{3})+$)/g, ',');

/** A coordinate with one decimal. */
const number = (value: number) => String(Math.round(value * 10) / 10);

/** The colour, its channels multiplied by `factor`. */
function shade(colour: string, factor: number): string {
  const channels = [1, 3, 5].map((at) => Number.parseInt(colour.slice(at, at + 2), 16));
  return `#${channels
    .map((value) =>
      Math.min(255, Math.round(value * factor))
        .toString(16)
        .padStart(2, '0'),
    )
    .join('')}`;
}

/** Text as it may stand in XML's content and attributes. */
export function escapeXml(text: string): string {
  const entities: Record<string, string> = {
    '&': '&amp;',
    '<': '&lt;',
    '>': '&gt;',
    '"': '&quot;',
    "'": '&#39;',
  };
  return text.replace(/[&<>"']/g, (character) => entities[character]!);
}
