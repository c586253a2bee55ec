import { COLLECTOR_ADDRESS, isCollectorAddress, isHeaderList } from '../core/collector-address.ts';
import { isObject } from '../core/is-object.ts';
import { show } from '../core/show.ts';

/**
 * Refuses a collector of OpenTelemetry with which no function would start. Headers may be a reference, which CloudFormation resolves.
 * @param collector the stage parameters `otlpEndpoint` and `otlpHeaders`
 * @returns true when there is a collector
 * @throws Error that names a wrong parameter
 */
export const assertCollector = (collector: unknown): boolean => {
  const { otlpEndpoint = '', otlpHeaders = '' } = isObject(collector) ? collector : {};
  if (otlpEndpoint === '' && otlpHeaders === '') return false;
  if (typeof otlpEndpoint !== 'string' || !isCollectorAddress(otlpEndpoint))
    throw new Error(`the parameter otlpEndpoint is ${show(otlpEndpoint)}, expected ${COLLECTOR_ADDRESS}`);
  if (typeof otlpHeaders !== 'string' || !(/^\{\{resolve:.+\}\}$/.test(otlpHeaders) || isHeaderList(otlpHeaders)))
    throw new Error(
      'the parameter otlpHeaders has no pairs, expected <name>=<value>,… or {{resolve:secretsmanager:<secret>:SecretString:<key>}}',
    );
  return true;
};
