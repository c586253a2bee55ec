/** A figure of an input; null for a missing value. Texts are categories. */
export type Feature = number | string | null;

/** Cheap figures of one input by name, such as the columns of a row, or the width of an image. */
export type Features = Readonly<Record<string, Feature>>;

/** Most inputs of a request that are described. */
export const MOST_DESCRIBED = 100;
