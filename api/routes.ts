import { agentRoutes } from './agents/routes.ts';
import { apiKeyRoutes } from './api-keys/routes.ts';
import { approvalRoutes } from './approvals/routes.ts';
import { budgetRoutes } from './budgets/routes.ts';
import { conversationRoutes } from './conversations/routes.ts';
import { docsRoutes } from './docs/routes.ts';
import { embeddingMoveRoutes } from './embedding-moves/routes.ts';
import { documentRoutes } from './documents/routes.ts';
import { evaluationDatasetRoutes } from './evaluation-datasets/routes.ts';
import { evaluationRoutes } from './evaluations/routes.ts';
import { feedbackRoutes } from './feedback/routes.ts';
import type { Route } from './framework/route.ts';
import { metricsRoutes } from './health/routes.ts';
import { ingestionJobRoutes } from './ingestion-jobs/routes.ts';
import { knowledgeSourceRoutes } from './knowledge-sources/routes.ts';
import { vectorIndexRoutes } from './models/vector-index-routes.ts';
import { resumeRoute } from './models/resume-route.ts';
import { modelRoutes } from './models/routes.ts';
import { promptTemplateRoutes } from './prompt-templates/routes.ts';
import { ragToolRoutes } from './rag-tools/routes.ts';
import { retrievalToolRoutes } from './retrieval-tools/routes.ts';
import { toolCallRoutes } from './tool-calls/routes.ts';
import { toolRoutes } from './tools/routes.ts';
import { reportRoutes } from './schedules/report-routes.ts';
import { scheduleRoutes } from './schedules/routes.ts';
import { statusRoutes } from './status/routes.ts';
import { searchRoutes } from './search/routes.ts';
import { turnRoutes } from './turns/routes.ts';
import { webhookRoutes } from './webhooks/routes.ts';
import { usageRoutes } from './usage/routes.ts';
import { userRoutes } from './users/routes.ts';

/** Every address that needs a key, in the order of the documentation. */
export const routes: readonly Route[] = [
  ...documentRoutes,
  ...ingestionJobRoutes,
  ...searchRoutes,
  ...conversationRoutes,
  ...turnRoutes,
  ...toolCallRoutes,
  ...approvalRoutes,
  ...feedbackRoutes,
  ...agentRoutes,
  ...modelRoutes,
  resumeRoute,
  ...vectorIndexRoutes,
  ...promptTemplateRoutes,
  ...knowledgeSourceRoutes,
  ...ragToolRoutes,
  ...embeddingMoveRoutes,
  ...retrievalToolRoutes,
  ...toolRoutes,
  ...evaluationDatasetRoutes,
  ...evaluationRoutes,
  ...userRoutes,
  ...apiKeyRoutes,
  ...usageRoutes,
  ...budgetRoutes,
  ...webhookRoutes,
  ...scheduleRoutes,
  ...reportRoutes,
  ...docsRoutes,
  ...statusRoutes,
  ...metricsRoutes,
];
