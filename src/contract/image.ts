/** The public contract of extensions: images. */
export { BLACK_PIXEL, type Images, toImages } from '../media/image/input.ts';
export { recyclePixelValues, toPixelValues } from '../media/image/pixel-values.ts';
export { type ImagePreprocessing, parseImagePreprocessing } from '../media/image/preprocessing.ts';
export { bySize, type ResizedImage, resizeImages } from '../media/image/resize-image.ts';
