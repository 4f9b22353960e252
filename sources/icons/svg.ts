// Turns an icon of an Iconify set into a standalone SVG file.
import type { IconifyJSON } from '@iconify/types';
import { getIconData } from '@iconify/utils/lib/icon-set/get-icon';
import { iconToSVG } from '@iconify/utils/lib/svg/build';
import { iconToHTML } from '@iconify/utils/lib/svg/html';

/**
 * The icon as an SVG document: alias resolved, flips and rotation applied, viewBox with the set's defaults,
 * width and height in the viewBox's units, `currentColor` as black.
 *
 * @returns undefined when the name is unknown, its alias leads nowhere, or the icon is drawn by animation: a still
 *   picture shows its first frame, which often is empty
 */
export function standaloneSvg(set: IconifyJSON, name: string): string | undefined {
  const icon = getIconData(set, name);
  if (icon === null || isAnimated(icon.body)) return undefined;
  const { attributes, body } = iconToSVG(icon, { width: 'auto', height: 'auto' });
  return `${iconToHTML(body.replace(/currentColor/gi, '#000'), { ...attributes })}\n`;
}

function isAnimated(body: string): boolean {
  return /<(animate|animateTransform|animateMotion|set)\b|@keyframes/.test(body);
}
