import { lastName, type Call, type Fn, type Value } from './ir.ts';
import type { Project } from './project.ts';
import type { Resolver } from './resolver.ts';
import { UNKNOWN_PIECE, textsOf } from './strings.ts';

/** A request that one part of an application sends to another: the call, and what the handler gets as its first argument. */
export interface HttpCaller {
  readonly call: Call;
  readonly request: Value;
}

const CLIENT = ['fetch', '$fetch', 'ofetch', 'post', 'put', 'patch', 'axios', 'sendBeacon', 'request', 'apiRequest', 'apiFetch', 'authFetch'];
const SERVER = /^(?:app|router|server|fastify|api|route|routes|\w*[rR]outer|\w*App|\w*Routes)$/;
const NEXT = /(?:^|\/)app\/(.*?)\/?route\.[cm]?[jt]s$|(?:^|\/)pages\/(api\/.*?)(?:\/index)?\.[cm]?[jt]sx?$|(?:^|\/)server\/(api\/.*?)(?:\.(?:post|put))?\.[cm]?[jt]s$/;

/** Joins a request in the browser with the route that logs what it holds. */
export class HttpCallers {
  readonly #routes: Map<Fn, string[]> = new Map();
  readonly #requests: { readonly path: string; readonly call: Call; readonly body: Value }[] = [];

  constructor(project: Project, resolver: Resolver) {
    for (const module of project.modules.values()) {
      const file = NEXT.exec(module.path);
      const route = (file?.[1] ?? file?.[2] ?? file?.[3])?.replace(/\([^)]*\)\/?/g, '');
      if (route === undefined || route === '') continue;
      for (const name of ['POST', 'PUT', 'default']) {
        for (const value of module.exports.get(name) ?? []) {
          for (const entity of resolver.resolve(value, { fn: module.top })) if (entity.e === 'fn') this.#routes.set(entity.fn, [`/${route}`]);
        }
      }
    }
    for (const name of CLIENT) for (const call of project.callsNamed(name)) this.#read(resolver, call);
  }

  /** Requests to a function that handles a route. */
  of(fn: Fn): readonly HttpCaller[] {
    const routes = this.#routes.get(fn);
    if (routes === undefined) return [];
    return this.#requests.filter(({ path }) => routes.some((route) => path === route || path.endsWith(route))).map(({ call, body }) => ({ call, request: request(call, body) }));
  }

  #read(resolver: Resolver, call: Call): void {
    const [first, second] = call.args;
    if (first === undefined) return;
    const path = textsOf(resolver, first, { fn: call.fn }).texts[0]?.text.replaceAll(UNKNOWN_PIECE, '').replace(/^https?:\/\/[^/]+/, '').replace(/[?#].*$/, '').replace(/\/$/, '');
    if (path === undefined || !path.startsWith('/') || path.length < 4) return;
    const server = call.callee.k === 'mem' && SERVER.test(lastName(call.callee.of) ?? '');
    if (server) {
      for (const arg of call.args.slice(1)) {
        for (const entity of resolver.resolve(arg, { fn: call.fn })) {
          if (entity.e === 'fn' && entity.fn.paramCount > 0) this.#routes.set(entity.fn, [...(this.#routes.get(entity.fn) ?? []), path]);
        }
      }
      return;
    }
    const whole = second?.k === 'obj' ? (second.props.find((prop) => prop.key === 'body' || prop.key === 'data')?.value ?? second) : second;
    if (whole === undefined) return;
    const body = whole.k === 'call' && lastName(whole.call.callee) === 'stringify' && whole.call.args[0] !== undefined ? whole.call.args[0] : whole;
    this.#requests.push({ path, call, body });
  }
}

/** A request as frameworks give it: `req.body`, `await request.json()`. */
function request(call: Call, body: Value): Value {
  const json: Fn = {
    name: 'json', module: call.fn.module, parent: call.fn, at: call.at, end: call.end, paramCount: 0, locals: new Map(), types: new Map(), calls: [], returns: [body],
    refs: new Set(), members: new Set(), reads: [], children: [], isTop: false, decorators: [], kind: 'inline', isAccessor: false,
  };
  const read: Value = { k: 'fn', fn: json };
  const req: Value = { k: 'obj', at: call.at, props: [{ key: 'json', value: read, at: call.at }] };
  return { k: 'obj', at: call.at, props: [{ key: 'body', value: body, at: call.at }, { key: 'json', value: read, at: call.at }, { key: 'req', value: req, at: call.at }] };
}
