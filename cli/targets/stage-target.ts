import { regionOf } from './aws-settings.ts';
import { deploymentTarget, KEY } from './deployment-target.ts';
import { sendPlain } from './send.ts';
import { sendSigned } from './send-signed.ts';
import { readServiceName, readStack } from './stack.ts';
import type { Target } from './target.ts';

/** A stage that was deployed. @throws `NOT_FOUND` when it is not there, saying how to make it */
export const stageTarget = async (
  stage: string,
  givenRegion: string | undefined,
  projectDirectory: string,
): Promise<Target> => {
  const region = regionOf(givenRegion);
  const stackName = `${await readServiceName(projectDirectory)}-${stage}`;
  const deployment = await readStack(stackName, stage, region);
  return deploymentTarget(
    deployment,
    { region },
    {
      description: `stage ${stage} (stack ${stackName} in ${region})`,
      options: ` --stage ${stage}${givenRegion === undefined ? '' : ` --region ${givenRegion}`}`,
      send: KEY === undefined ? sendSigned(deployment.endpoint, region) : sendPlain(deployment.endpoint, KEY),
    },
  );
};
