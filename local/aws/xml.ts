import { AwsError } from './aws-error.ts';

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };
const CHARACTERS: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

/** Carriage returns too, which an XML parser would turn into line feeds. */
export const escapeXml = (text: string): string =>
  text.replace(/[&<>"]/g, (character) => ENTITIES[character] ?? '').replaceAll('\r', '&#13;');

const LAST_CODE_POINT = 0x10ffff;

/** @throws AwsError `MalformedXML` for a reference to no character: without it, a key would become another one */
const unescapeXml = (text: string): string =>
  text.replace(/&(?:#(\d+)|#x([\da-f]+)|(\w+));/gi, (all, decimal?: string, hex?: string, name?: string) => {
    const code = Number(decimal ?? `0x${hex}`);
    const character =
      name !== undefined ? CHARACTERS[name] : code <= LAST_CODE_POINT ? String.fromCodePoint(code) : undefined;
    if (character === undefined) throw new AwsError('MalformedXML', 400, `The reference ${all} names no character.`);
    return character;
  });

/** `children` are XML already. */
export const element = (name: string, ...children: readonly string[]): string =>
  `<${name}>${children.join('')}</${name}>`;

/**
 * The texts of all elements of that name, wherever they are: enough for the flat lists that S3 clients send.
 * @throws AwsError `MalformedXML`
 */
export const readElements = (xml: string, name: string): string[] =>
  [...xml.matchAll(new RegExp(`<${name}>([^<]*)</${name}>`, 'g'))].map(([, content = '']) => unescapeXml(content));
