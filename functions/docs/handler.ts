import { connectDocs, docsHandler } from '../../src/lambda/docs.ts';
import { PAGE_FILES } from './page-files.ts';

/** Describes the API, and answers the page on which people try it. */
export const handler = docsHandler(connectDocs(PAGE_FILES));
