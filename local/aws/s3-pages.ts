import { AwsError } from './aws-error.ts';
import { element, escapeXml } from './xml.ts';

export const LARGEST_PAGE = 1000;

/** The most entries of a page. @throws AwsError `InvalidArgument` */
export const readPageSize = (query: URLSearchParams, name: string): number => {
  const given = query.get(name) ?? String(LARGEST_PAGE);
  if (!/^\d{1,10}$/.test(given)) throw new AwsError('InvalidArgument', 400, `${name} must be a whole number.`);
  return Math.min(Number(given), LARGEST_PAGE);
};

/** The writing of keys in a listing, and the element that names it. @throws AwsError `InvalidArgument` */
export const readEncoding = (query: URLSearchParams) => {
  const encoding = query.get('encoding-type');
  if (encoding === null) return { write: escapeXml, encodingType: [] };
  if (encoding !== 'url') throw new AwsError('InvalidArgument', 400, `encoding-type is ${encoding}, expected url.`);
  return { write: encodeURIComponent, encodingType: [element('EncodingType', 'url')] };
};
