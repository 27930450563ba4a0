/** Reading values of unknown shape: each answers nothing where the shape is another. */

export type JsonObject = Record<string, unknown>;

export function asObject(value: unknown): JsonObject | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JsonObject) : undefined;
}

export function asList(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}

/** Texts, and numbers and booleans as text. */
export function asText(value: unknown): string {
  if (typeof value === 'string') return value;
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : '';
}

export function asNumber(value: unknown): number | undefined {
  const number = typeof value === 'string' && value !== '' ? Number(value) : value;
  return typeof number === 'number' && Number.isFinite(number) ? number : undefined;
}

/** A list that is sent as [..], as {"values": [..]}, or as its only element. */
export function valuesOf(value: unknown): JsonObject[] {
  const holder = asObject(value);
  const list = holder ? ('values' in holder ? asList(holder.values) : [holder]) : asList(value);
  return list.map(asObject).filter((entry) => entry !== undefined);
}

/** A value as one shows it: texts as they are, all else as JSON. */
export function display(value: unknown): string {
  if (typeof value === 'string') return value;
  return value === undefined ? '' : JSON.stringify(value, null, 2);
}
