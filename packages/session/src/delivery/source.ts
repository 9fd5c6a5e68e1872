import { hostname } from 'node:os';

/** Which part of a system writes an event. */
export interface Source {
  readonly app: string;
  readonly instance: string;
}

/** Fills in what is missing as `openLog` does: the name of the npm package, host and process. */
export function defaultSource({ app, instance }: { readonly app?: string | undefined; readonly instance?: string | undefined }): Source {
  return { app: app ?? process.env['npm_package_name'] ?? 'app', instance: instance ?? `${hostname()}:${process.pid}` };
}
