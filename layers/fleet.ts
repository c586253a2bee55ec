import { addFleet, type FleetService } from '../src/deployment/fleet-parts.ts';

interface Serverless {
  readonly processedInput: { readonly options: unknown };
  readonly service: FleetService & {
    /** Gives functions without a name theirs. */
    setFunctionNames(options: unknown): void;
  };
}

/** Adds the functions of the parameter `fleet`, as if serverless.yml had them. @throws Error that says what is wrong with it */
export const addFunctions = ({ processedInput, service }: Serverless): void => {
  if (addFleet(service).length > 0) service.setFunctionNames(processedInput.options);
};
