import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { isPassword } from './users.ts';

interface Credentials {
  readonly user: string;
  readonly password: string;
}

const CREDENTIALS = {
  type: 'object',
  required: ['user', 'password'],
  properties: { user: { type: 'string', maxLength: 100 }, password: { type: 'string', maxLength: 1000 } },
} as const;

/** The desk's routes: those of an application that has never heard of a record. */
export function addRoutes(app: FastifyInstance): void {
  const tickets: string[] = [];

  app.post<{ Body: Credentials }>('/login', { schema: { body: CREDENTIALS } }, async (request, reply) => {
    const { user, password } = request.body;
    if (!(await isPassword(user, password))) return reply.code(401).send({ error: 'user name or password is wrong' });
    await request.session.regenerate(); // a new secret id, so that nobody knows it from before (session fixation)
    request.session.userId = user;
    return { user };
  });

  app.post('/logout', async (request, reply) => {
    await request.session.destroy();
    return reply.clearCookie('sessionId').code(204).send();
  });

  app.get('/tickets', { preHandler: requireUser }, () => ({ tickets }));

  app.post<{ Body: { title: string } }>(
    '/tickets',
    { preHandler: requireUser, schema: { body: { type: 'object', required: ['title'], properties: { title: { type: 'string', maxLength: 200 } } } } },
    (request, reply) => reply.code(201).send({ number: tickets.push(`${request.body.title} (${request.session.userId ?? ''})`) }),
  );

  app.post('/session/extend', { preHandler: requireUser }, (request) => {
    request.session.touch();
    return { until: request.session.cookie.expires };
  });
}

async function requireUser(request: FastifyRequest, reply: FastifyReply): Promise<void> {
  if (request.session.userId === undefined) await reply.code(401).send({ error: 'please log in' });
}
