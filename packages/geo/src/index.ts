export { GeoError } from './error.ts';
export { openGeo } from './open-geo.ts';

export type { GeoErrorCode } from './error.ts';
export type { GeoOptions, Locate } from './open-geo.ts';
export type { Place } from './place.ts';
