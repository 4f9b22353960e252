// Lays a profile over params.yaml: mappings are merged, mappings whose keys are data are replaced, and null deletes.
import type { Shape } from './params-shape.ts';
import type { Path, YamlSource } from './yaml-source.ts';

/**
 * The values with those of a file laid over them.
 *
 * - Mappings are merged key by key, and `null` deletes a key of `under`, unless the schema accepts null as its value.
 * - A mapping whose keys are data (a record in the schema) replaces the one below it. If all its values are null, it deletes these
 *   keys instead: `{ truck: null }` leaves the other classes.
 * - Anything else is replaced, and so is a mapping that the file gives the tag `!replace`.
 *
 * @param root what the schema says of the parameters; without one, all mappings have fields, and no value may be null
 */
export function overlayFile(under: unknown, file: YamlSource, root?: Shape): unknown {
  const lay = (below: unknown, above: unknown, shape: Shape | undefined, path: Path): unknown => {
    if (!isMapping(below) || !isMapping(above) || file.replaces(path)) return above;
    if (shape?.entries !== undefined) return layData(below, above, shape.entries);
    const merged = new Map(Object.entries(below));
    for (const [key, value] of Object.entries(above)) {
      const field = fieldOf(shape, key);
      if (value === null && deletes(merged, key, field)) merged.delete(key);
      else merged.set(key, merged.has(key) ? lay(merged.get(key), value, field, [...path, key]) : value);
    }
    return Object.fromEntries(merged);
  };
  return lay(under, file.value, root, []);
}

function layData(
  below: Record<string, unknown>,
  above: Record<string, unknown>,
  entry: Shape,
): Record<string, unknown> {
  if (entry.nullable === true) return above;
  const given = Object.entries(above).filter(([, value]) => value !== null);
  if (given.length > 0 || Object.keys(above).length === 0) return Object.fromEntries(given);
  const kept = new Map(Object.entries(below));
  // A key that is not there can't be deleted: the schema will complain about its null.
  for (const key of Object.keys(above)) if (!kept.delete(key)) kept.set(key, null);
  return Object.fromEntries(kept);
}

/** A null that is there already is a value. */
const deletes = (below: ReadonlyMap<string, unknown>, key: string, field: Shape | undefined): boolean =>
  field?.nullable !== true && (below.get(key) ?? null) !== null;

const fieldOf = (shape: Shape | undefined, key: string): Shape | undefined =>
  shape?.fields !== undefined && Object.hasOwn(shape.fields, key) ? shape.fields[key] : undefined;

export const isMapping = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
