import { buildOpenApi } from '../../api/openapi/build-openapi.ts';
import { routes } from '../../api/routes.ts';
import { writeOrCheck } from './write-or-check.ts';

writeOrCheck('docs/openapi.json', `${JSON.stringify(buildOpenApi(routes), null, 2)}\n`, 'openapi.ts');
