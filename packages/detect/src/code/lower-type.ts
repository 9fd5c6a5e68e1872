import { isAst, nameOf, type Ast } from './ast.ts';
import type { Module, TypeRef } from './ir.ts';

const UNKNOWN: TypeRef = { name: '', args: [] };

/** A type by name; of a union, the first that has one. Unions of literals keep these. */
export function lowerType(node: Ast): TypeRef {
  switch (node.type) {
    case 'TSTypeAnnotation':
    case 'TSParenthesizedType':
    case 'TSOptionalType':
      return lowerType(node.typeAnnotation as Ast);
    case 'TSTypeReference': {
      const args = isAst(node.typeArguments) ? (node.typeArguments.params ?? []).map(lowerType) : [];
      return { name: typeName(node.typeName), args };
    }
    case 'TSArrayType':
      return { name: 'Array', args: isAst(node.elementType) ? [lowerType(node.elementType)] : [] };
    case 'TSUnionType':
    case 'TSIntersectionType': {
      const parts = (node.types ?? []).map(lowerType);
      const literals = parts.flatMap((part) => part.literals ?? []);
      if (literals.length > 0) return { name: '', args: [], literals };
      return parts.find((part) => part.name !== '') ?? UNKNOWN;
    }
    case 'TSLiteralType':
      return isAst(node.literal) && typeof node.literal.value === 'string' ? { name: '', args: [], literals: [node.literal.value] } : UNKNOWN;
    default:
      return UNKNOWN;
  }
}

function typeName(node: Ast | undefined): string {
  if (node === undefined) return '';
  if (node.type === 'TSQualifiedName') return nameOf(node.right) ?? '';
  return nameOf(node) ?? '';
}

/** Keeps what a type alias or interface declares: shapes, and literals as declared names. */
export function noteTypeDeclaration(node: Ast, module: Module): void {
  const name = nameOf(node.id) ?? '';
  const body = node.type === 'TSInterfaceDeclaration' ? (node.body as Ast | undefined) : node.typeAnnotation;
  if (!isAst(body)) return;
  noteLiterals(body, `type ${name}`, module);
  const members = (body.type === 'TSInterfaceBody' ? body.body : body.type === 'TSTypeLiteral' ? body.members : undefined) as readonly Ast[] | undefined;
  if (members === undefined) return;
  const shape = new Map<string, TypeRef>();
  for (const member of members) {
    const key = nameOf(member.key);
    if (key === undefined || !isAst(member.typeAnnotation)) continue;
    shape.set(key, lowerType(member.typeAnnotation));
    noteLiterals(member.typeAnnotation, `type ${name}`, module);
  }
  module.shapes.set(name, shape);
}

function noteLiterals(node: Ast, what: string, module: Module): void {
  if (node.type === 'TSTypeAnnotation') {
    if (isAst(node.typeAnnotation)) noteLiterals(node.typeAnnotation, what, module);
    return;
  }
  if (node.type === 'TSUnionType') for (const part of node.types ?? []) noteLiterals(part, what, module);
  if (node.type === 'TSLiteralType' && isAst(node.literal) && typeof node.literal.value === 'string') {
    module.declared.push({ text: node.literal.value, at: node.start, what });
  }
}
