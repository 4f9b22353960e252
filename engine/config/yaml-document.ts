// Parses the text of one YAML document into plain values, or finds the first mistake in it.
import { type Document, type LineCounter, parseDocument, type YAMLError } from 'yaml';
import { type Mistake, MistakeError, plainValue } from './yaml-value.ts';

export interface ParsedYaml {
  readonly document: Document.Parsed;
  /** null for an empty document. */
  readonly value: unknown;
}

export type Parsed =
  | { readonly ok: true; readonly value: ParsedYaml }
  | { readonly ok: false; readonly mistake: Mistake };

/**
 * Parses YAML 1.2 with merge keys.
 * @param tags tags that mappings may have
 * @param lineCounter is told where lines begin
 */
export function parseYaml(text: string, tags: readonly string[] = [], lineCounter?: LineCounter): Parsed {
  try {
    const document = parseDocument(text, {
      ...(lineCounter === undefined ? {} : { lineCounter }),
      prettyErrors: false,
      logLevel: 'error',
      resolveKnownTags: false,
      // The parser's own search for equal keys takes the square of a mapping's size.
      uniqueKeys: false,
    });
    // What else the parser finds usually follows from the first error.
    const mistake = unprintable(text) ?? syntaxMistake(document, text);
    if (mistake !== undefined) return { ok: false, mistake };
    return { ok: true, value: { document, value: plainValue(document, tags) } };
  } catch (error) {
    if (error instanceof MistakeError) return { ok: false, mistake: error.mistake };
    if (!(error instanceof RangeError)) throw error;
    return { ok: false, mistake: { message: tooDeep, start: 0, end: 1 } };
  }
}

const tooDeep = 'The values are nested too deeply.';

function syntaxMistake({ errors, warnings, directives }: Document.Parsed, text: string): Mistake | undefined {
  const error = errors[0];
  if (error?.code === 'MULTIPLE_DOCS') {
    const hint = 'Remove the line `---` or `...`, and put everything into one document.';
    return { ...placeOf(error), message: 'A second YAML document begins here; only one is read.', hint };
  }
  if (error?.code === 'RESOURCE_EXHAUSTION') return { ...placeOf(error), message: tooDeep };
  if (error !== undefined) {
    const start = text.lastIndexOf('\n', error.pos[0] - 1) + 1;
    const line = text.slice(start).split('\n', 1)[0]!;
    const hint = /[{[].*[^'"]\$\{/.test(line)
      ? 'Inside { } and [ ] quote a text that contains `${…}`.'
      : undefined;
    return { ...placeOf(error), message: error.message, ...(hint === undefined ? {} : { hint }) };
  }
  if (directives.yaml.explicit === true && directives.yaml.version === '1.1') {
    const hint =
      'Remove the directive `%YAML 1.1`; quote or rewrite values such as `yes`, `017` and `1_000`.';
    return { message: 'Only YAML 1.2 is supported.', hint, start: 0, end: text.indexOf('\n') };
  }
  const directive = warnings.find(({ code }) => code === 'BAD_DIRECTIVE');
  return (
    directive && { ...placeOf(directive), message: `${directive.message}.`, hint: 'Remove the directive.' }
  );
}

const placeOf = ({ pos: [start] }: YAMLError): { start: number; end: number } => ({ start, end: start + 1 });

/** The first character that YAML does not allow in a text. */
function unprintable(text: string): Mistake | undefined {
  const start = text.search(/[^\P{Cc}\t\n\r\u0085]/u);
  if (start < 0) return undefined;
  const code = text.charCodeAt(start).toString(16).toUpperCase().padStart(4, '0');
  const message = `YAML does not allow the control character U+${code} here.`;
  return { message, hint: 'Remove it, or write it as an escape in double quotes.', start, end: start + 1 };
}
