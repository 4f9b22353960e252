// What overlaying needs to know of a zod schema, as plain data: which mappings have data as keys, and what may be null.

export interface Shape {
  /** Whether the schema accepts null here. */
  readonly nullable?: true;
  /** The fields of a mapping of which the schema says more than nothing. */
  readonly fields?: Readonly<Record<string, Shape>>;
  /** Present if the mapping's keys are data (`z.record`): what the schema says of each entry. */
  readonly entries?: Shape;
}

/** The parts of zod's definitions that are read here; they are the same for every copy of zod 4. */
interface Definition {
  readonly type: string;
  readonly shape?: Readonly<Record<string, Schema>>;
  readonly keyType?: Schema;
  readonly valueType?: Schema;
  readonly innerType?: Schema;
  readonly in?: Schema;
  readonly getter?: () => Schema;
  readonly options?: readonly Schema[];
  readonly left?: Schema;
  readonly right?: Schema;
}

interface Schema {
  readonly _zod?: { readonly def: Definition };
  safeParse?(value: unknown): { readonly success: boolean };
}

/** The shape of a zod schema; of any other thing there is nothing to say. */
export function shapeOf(schema: unknown): Shape {
  return read(schema as Schema, new Set());
}

/** @param open schemas that the present one is inside of: a recursive schema ends there */
function read(schema: Schema, open: ReadonlySet<Schema>): Shape {
  const def = schema?._zod?.def;
  if (def === undefined || open.has(schema)) return {};
  const inside = (inner: Schema): Shape => read(inner, new Set([...open, schema]));
  const { entries, fields } = mappingOf(def, inside);
  return {
    ...(acceptsNull(schema) ? { nullable: true as const } : {}),
    ...(fields === undefined ? {} : { fields }),
    ...(entries === undefined ? {} : { entries }),
  };
}

function mappingOf(def: Definition, inside: (schema: Schema) => Shape): Shape {
  if (def.type === 'object') return { fields: fieldsOf(def.shape!, inside) };
  if (def.type === 'record') {
    const keys = def.keyType?._zod?.def.type;
    // Names that the schema lists are fields.
    return keys === 'enum' || keys === 'literal' ? {} : { entries: inside(def.valueType!) };
  }
  if (def.type === 'lazy') return inside(def.getter!());
  const inner = def.innerType ?? def.in;
  if (inner !== undefined) return inside(inner);
  const parts = def.options ?? (def.left && def.right ? [def.left, def.right] : []);
  return parts.map(inside).reduce<Shape>(united, {});
}

function fieldsOf(
  shape: Readonly<Record<string, Schema>>,
  inside: (schema: Schema) => Shape,
): Readonly<Record<string, Shape>> {
  const fields = Object.entries(shape).map(([key, field]) => [key, inside(field)] as const);
  return Object.fromEntries(fields.filter(([, field]) => Object.keys(field).length > 0));
}

/** A mapping that may have fields is merged, whatever else it may be. */
function united(a: Shape, b: Shape): Shape {
  if (a.fields === undefined && b.fields === undefined) return a.entries === undefined ? b : a;
  const fields = { ...a.fields };
  for (const [key, field] of Object.entries(b.fields ?? {}))
    fields[key] = Object.hasOwn(fields, key) ? { ...fields[key], ...united(fields[key]!, field) } : field;
  return { fields };
}

function acceptsNull(schema: Schema): boolean {
  try {
    return schema.safeParse?.(null).success === true;
  } catch {
    return false; // an asynchronous check
  }
}
