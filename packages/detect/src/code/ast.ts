/** A node of the syntax tree, as far as it is read: ESTree with the types of TypeScript, every field optional. */
export interface Ast {
  readonly type: string;
  readonly start: number;
  readonly end: number;
  readonly name?: string | Ast;
  readonly value?: unknown;
  readonly operator?: string;
  readonly callee?: Ast;
  readonly arguments?: readonly Ast[];
  readonly object?: Ast;
  readonly property?: Ast;
  readonly computed?: boolean;
  readonly left?: Ast;
  readonly right?: Ast;
  readonly test?: Ast | null;
  readonly consequent?: Ast | readonly Ast[];
  readonly alternate?: Ast | null;
  readonly argument?: Ast | null;
  readonly expression?: Ast | boolean;
  readonly expressions?: readonly Ast[];
  readonly quasis?: readonly Ast[];
  readonly quasi?: Ast;
  readonly tag?: Ast;
  readonly elements?: readonly (Ast | null)[];
  readonly properties?: readonly Ast[];
  readonly key?: Ast;
  readonly kind?: string;
  readonly params?: readonly Ast[];
  readonly param?: Ast | null;
  readonly body?: Ast | readonly Ast[] | null;
  readonly id?: Ast | null;
  readonly init?: Ast | null;
  readonly update?: Ast | null;
  readonly declarations?: readonly Ast[];
  readonly declaration?: Ast | null;
  readonly specifiers?: readonly Ast[];
  readonly source?: Ast | null;
  readonly imported?: Ast;
  readonly exported?: Ast | null;
  readonly local?: Ast;
  readonly superClass?: Ast | null;
  readonly implements?: readonly Ast[];
  readonly decorators?: readonly Ast[];
  readonly static?: boolean;
  readonly typeAnnotation?: Ast | null;
  readonly typeArguments?: Ast | null;
  readonly typeName?: Ast;
  readonly types?: readonly Ast[];
  readonly literal?: Ast;
  readonly elementType?: Ast;
  readonly members?: readonly Ast[];
  readonly parameter?: Ast;
  readonly cases?: readonly Ast[];
  readonly discriminant?: Ast;
  readonly block?: Ast;
  readonly handler?: Ast | null;
  readonly finalizer?: Ast | null;
  readonly importKind?: string;
  readonly exportKind?: string;
  readonly directive?: string;
  readonly openingElement?: Ast;
  readonly children?: readonly Ast[];
  readonly attributes?: readonly Ast[];
  readonly optional?: boolean;
  readonly async?: boolean;
  readonly declare?: boolean;
  readonly superTypeArguments?: Ast | null;
}

/** Whether something in a tree is a node. */
export function isAst(value: unknown): value is Ast {
  return typeof value === 'object' && value !== null && typeof (value as Ast).type === 'string';
}

/** The name of an identifier, the text of a string key, or undefined. */
export function nameOf(node: Ast | null | undefined): string | undefined {
  if (node === null || node === undefined) return undefined;
  if (typeof node.name === 'string') return node.name;
  if (node.type === 'Literal' && typeof node.value === 'string') return node.value;
  if (node.type === 'Literal' && typeof node.value === 'number') return String(node.value);
  return undefined;
}
