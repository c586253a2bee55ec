import { describe, expect, it } from '@jest/globals';
import { createRouter, parseRoute } from '../../../../local/gateway/routes.ts';

const route = (text: string, functionName = 'f') => {
  const [method = '', path = ''] = text === '$default' ? ['*', '*'] : text.split(' ');
  return { ...parseRoute({ method, path }), functionName };
};

const match = (routes: readonly string[], method: string, path: string) => {
  const found = createRouter(routes.map((text) => route(text)))(method, path);
  return found && { routeKey: found.route.routeKey, ...found.pathParameters };
};

describe('a router', () => {
  const ROUTES = [
    '$default',
    'ANY /{proxy+}',
    'GET /pets/{proxy+}',
    'GET /pets/dog/{id}',
    'ANY /pets/dog/1',
    'GET /pets/dog/1',
    'GET /',
  ];

  it.each([
    ['GET', '/', { routeKey: 'GET /' }],
    ['POST', '/', { routeKey: '$default' }],
    ['GET', '/pets/dog/1', { routeKey: 'GET /pets/dog/1' }],
    ['PUT', '/pets/dog/1', { routeKey: 'ANY /pets/dog/1' }],
    ['GET', '/pets/dog/2', { routeKey: 'GET /pets/dog/{id}', id: '2' }],
    ['POST', '/pets/dog/2', { routeKey: 'ANY /{proxy+}', proxy: 'pets/dog/2' }],
    ['GET', '/pets/dog/2/name', { routeKey: 'GET /pets/{proxy+}', proxy: 'dog/2/name' }],
    ['GET', '/pets', { routeKey: 'ANY /{proxy+}', proxy: 'pets' }],
    ['GET', '/pets/', { routeKey: 'ANY /{proxy+}', proxy: 'pets/' }],
    ['GET', '/a%20b%2Fc', { routeKey: 'ANY /{proxy+}', proxy: 'a b/c' }],
  ])('takes %s %s to the route that API Gateway takes it to', (method, path, expected) => {
    expect(match(ROUTES, method, path)).toEqual(expected);
    expect(match(ROUTES.toReversed(), method, path)).toEqual(expected);
  });

  it.each([
    ['GET /models', 'GET', '/models/'],
    ['GET /models', 'POST', '/models'],
    ['GET /models', 'HEAD', '/models'],
    ['GET /models/{name}', 'GET', '/models/'],
    ['GET /models/{name}', 'GET', '/models/a/b'],
    ['ANY /{proxy+}', 'GET', '/'],
    ['GET /Models', 'GET', '/models'],
  ])('with %s alone has none for %s %s', (only, method, path) => {
    expect(match([only], method, path)).toBeUndefined();
  });

  it('decodes each variable by itself', () => {
    expect(match(['GET /{a}/{b}'], 'GET', '/x%2Fy/%C3%A9')).toEqual({ routeKey: 'GET /{a}/{b}', a: 'x/y', b: 'é' });
  });

  it('cannot decode what is no UTF-8', () => {
    expect(() => match(['GET /{a}'], 'GET', '/%zz')).toThrow(URIError);
  });

  it.each([
    ['GET /models', 'GET /models'],
    ['GET /models/{name}', 'GET /models/{model}'],
    ['$default', '$default'],
  ])('refuses %s beside %s, naming both functions', (first, second) => {
    expect(() => createRouter([route(first, 'a'), route(second, 'b')])).toThrow(
      /^functions\.b: httpApi: .* is a route of a already$/,
    );
  });
});

describe('a route', () => {
  it.each([
    ['get', '/a', 'GET /a'],
    ['*', '/a', 'ANY /a'],
    ['any', '/a/{b}', 'ANY /a/{b}'],
    ['*', '*', '$default'],
  ])('of method %s and path %s is called %s', (method, path, routeKey) => {
    expect(parseRoute({ method, path }).routeKey).toBe(routeKey);
  });

  it.each([
    ['FETCH', '/a', 'the method FETCH is none of *, ANY, GET'],
    ['GET', 'a', 'the path a does not begin with /'],
    ['GET', '*', 'the path * takes every method'],
    ['GET', '/{a+}/b', '{a+} must be the last segment'],
    ['GET', '/a{b}', 'a{b} is neither text nor {name}'],
  ])('of method %s and path %s is refused', (method, path, message) => {
    expect(() => parseRoute({ method, path })).toThrow(message);
  });
});
