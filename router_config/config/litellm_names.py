"""Names that LiteLLM 1.106.2 knows, so that a misspelt one is found without importing it. Tests compare."""

_PROVIDERS = """
a2a a2a_agent ai21 ai21_chat aiml aiohttp_openai amazon_nova anthropic anthropic_text apertis assemblyai
auto_router aws_polly aws_textract azure azure_ai azure_speech azure_text baseten bedrock bedrock_mantle
black_forest_labs bytez cerebras charity_engine chatgpt chutes clarifai cloudflare codestral cognition
cohere cohere_chat cometapi compactifai cortecs cursor custom custom_openai darkbloom dashscope databricks
datarobot deepgram deepinfra deepseek docker_model_runner dotprompt edenai elevenlabs empower fal_ai
featherless_ai fireworks_ai friendliai galadriel gdc gemini gigachat github github_copilot gradient_ai groq
helicone heroku hosted_vllm huggingface humanloop hyperbolic inception infinity jina_ai lambda_ai langflow
langfuse langgraph lemonade libertai litellm_agent litellm_proxy llamafile lm_studio manus maritalk meta
meta_llama milvus minimax mistral modelscope mongodb moonshot morph nadir nano-gpt nebius neosantara
nlp_cloud novita nscale nvidia_nim nvidia_riva oci ollama ollama_chat oobabooga openai openai_like
openrouter ovhcloud parasail perplexity petals pg_vector pinstripes poe predibase prism publicai
qwen_ai_platform qwencloud ragflow recraft reducto reka replicate runwayml s3_vectors sagemaker
sagemaker_chat sagemaker_nova sail sambanova sap scaleway scx-ai snowflake soniox stability strands_decider
synthetic tencent tensormesh text-completion-codestral text-completion-inception text-completion-openai
together_ai topaz transcribe triton typesafe v0 valkey vercel_ai_gateway vertex_ai vertex_ai_beta vllm
volcengine voyage wandb watsonx watsonx_text xai xiaomi_mimo xinference zai
"""
_ROUTER_SETTINGS = """
alerting_config allowed_fails allowed_fails_policy assistants_config auto_router_capability_limit
background_health_check_model_groups cache_kwargs cache_responses caching_groups client_ttl
content_policy_fallbacks context_window_fallbacks cooldown_time debug_level default_fallbacks
default_litellm_params default_max_parallel_requests default_priority deployment_affinity_ttl_seconds
disable_cooldowns enable_health_check_routing enable_pre_call_checks enable_tag_filtering
enable_weighted_failover fallback_access_check fallback_budget_check fallbacks guardrail_list
health_check_ignore_transient_errors health_check_staleness_threshold ignore_invalid_deployments
max_fallbacks model_group_affinity_config model_group_alias model_group_retry_policy num_retries
optional_pre_call_checks plugins polling_interval provider_budget_config redis_db redis_host redis_password
redis_port redis_url retry_after retry_policy router_general_settings routing_groups routing_strategy
routing_strategy_args search_tools set_verbose stream_timeout tag_filtering_match_any tag_routing_prefix
timeout
"""

PROVIDERS = frozenset(_PROVIDERS.split())
ROUTER_SETTINGS = frozenset(_ROUTER_SETTINGS.split())
