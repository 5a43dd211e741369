import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Controller, Get, Inject, Injectable, Scope } from '@nestjs/common';
import {
  ContextIdFactory,
  REQUEST,
  type ContextId,
  type ContextIdStrategy,
  type HostComponentInfo,
} from '@nestjs/core';
import { Connection, OnFinish, OnMessage, RequestContext, WsEndpoint } from '../../../src/index.js';
import { Journal } from '../../support/journal.js';
import { startApp, type AppSpec, type StartedApp } from '../../support/start-app.js';

/** One sub-tree of providers per tenant, as in Nest's documentation. */
class PerTenant implements ContextIdStrategy<{ headers: Record<string, string | undefined> }> {
  readonly #tenants = new Map<string, ContextId>();

  attach(contextId: ContextId, request: { headers: Record<string, string | undefined> }) {
    const tenantId = request.headers['x-tenant'] ?? 'none';
    const tenant = this.#tenants.get(tenantId) ?? ContextIdFactory.create();
    this.#tenants.set(tenantId, tenant);
    return {
      resolve: (info: HostComponentInfo) => (info.isTreeDurable ? tenant : contextId),
      payload: { tenantId },
    };
  }
}

let made: object[];
beforeEach(() => {
  made = [];
});
// The strategy is global to the process.
afterEach(() => ContextIdFactory.apply(undefined as unknown as ContextIdStrategy));

@Injectable({ scope: Scope.REQUEST, durable: true })
class Tenant {
  visits = 0;

  constructor(@Inject(REQUEST) readonly request: { tenantId?: string } | undefined) {
    made.push(this);
  }
}

@Injectable({ scope: Scope.REQUEST })
class Visit {
  constructor(
    @Inject(REQUEST) readonly context: RequestContext,
    readonly tenant: Tenant,
  ) {
    made.push(this);
  }
}

@WsEndpoint({ path: 'tenants', serializer: 'json' })
class Tenants {
  constructor(readonly tenant: Tenant) {}

  @OnMessage()
  say(): unknown {
    return { visits: ++this.tenant.visits, tenantId: this.tenant.request?.tenantId };
  }
}

@WsEndpoint({ path: 'visits', serializer: 'json' })
class Visits {
  constructor(readonly visit: Visit) {}

  @OnMessage()
  say(connection: Connection): unknown {
    return { visits: ++this.visit.tenant.visits, isOwn: this.visit.context === connection.context };
  }
}

async function ask(app: StartedApp, path: string, tenant: string): Promise<unknown> {
  const client = await app.connect(path, { headers: { 'x-tenant': tenant } });
  void client.send(null);
  return client.nextJson();
}

function start(spec: AppSpec = {}): Promise<StartedApp> {
  return startApp({ endpoints: [Tenants, Visits], providers: [Tenant, Visit], ...spec });
}

describe('a durable provider', () => {
  it('is shared by the connections of one tenant, and sees the payload instead of a request', async () => {
    ContextIdFactory.apply(new PerTenant());
    const app = await start();
    expect(await ask(app, '/ws/tenants', 'a')).toEqual({ visits: 1, tenantId: 'a' });
    expect(await ask(app, '/ws/tenants', 'a')).toEqual({ visits: 2, tenantId: 'a' });
    expect(await ask(app, '/ws/tenants', 'b')).toEqual({ visits: 1, tenantId: 'b' });
    expect(made).toHaveLength(2);
  });

  it('outlives its connections', async () => {
    ContextIdFactory.apply(new PerTenant());
    const app = await start();
    const finished = new Journal<unknown>();
    app.registry.on('finish', finished.add);
    await ask(app, '/ws/tenants', 'a');
    app.registry.close();
    await finished.next();
    expect(await ask(app, '/ws/tenants', 'a')).toMatchObject({ visits: 2 });
  });

  it('is shared beside providers that are of one connection', async () => {
    ContextIdFactory.apply(new PerTenant());
    const app = await start();
    expect(await ask(app, '/ws/visits', 'a')).toEqual({ visits: 1, isOwn: true });
    expect(await ask(app, '/ws/visits', 'a')).toEqual({ visits: 2, isOwn: true });
    expect(made.map(({ constructor }) => constructor.name)).toEqual(['Tenant', 'Visit', 'Visit']);
  });

  it('is shared with the controllers of the tenant', async () => {
    ContextIdFactory.apply(new PerTenant());
    @Controller('tenants')
    class Page {
      constructor(readonly tenant: Tenant) {}

      @Get()
      show(): unknown {
        return { visits: ++this.tenant.visits, tenantId: this.tenant.request?.tenantId };
      }
    }
    const app = await start({ controllers: [Page] });
    const page = await app.fetch('/tenants', { headers: { 'x-tenant': 'a' } });
    expect(await page.json()).toEqual({ visits: 1, tenantId: 'a' });
    expect(await ask(app, '/ws/tenants', 'a')).toEqual({ visits: 2, tenantId: 'a' });
  });

  it('is made once per connection without a strategy, and stays until finish', async () => {
    const left = new Journal<number>();
    @WsEndpoint('tenants')
    class Leaving {
      constructor(readonly tenant: Tenant) {}

      @OnMessage()
      say(): void {
        this.tenant.visits++;
      }

      @OnFinish()
      leave(): void {
        left.add(this.tenant.visits);
      }
    }
    const app = await start({ endpoints: [Leaving] });
    for (const messages of [2, 3]) {
      const client = await app.connect('/ws/tenants');
      for (let sent = 0; sent < messages; sent++) void client.send('x');
      await client.close();
      expect(await left.next()).toBe(messages);
    }
    expect(made).toHaveLength(2);
  });
});
