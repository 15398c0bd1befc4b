"""Refusals as providers worded them, each with where people quoted it: what they teach of the model, and what not.

The sentences are the providers' and servers' own. `needs`: what the request needed. `teaches`: what is learned then.
"""

from typing import Any, Final, NamedTuple


class Told(NamedTuple):
    """One refusal. most: tokens of prompt and answer, or of the answer alone, that it says the model takes."""

    quoted: str
    prefix: str
    status: int
    text: str | dict[str, Any]
    needs: str
    teaches: str = ""
    most: int | None = None


def extra(place: list[Any], given: Any = True) -> dict[str, Any]:
    told = {"type": "extra_forbidden", "loc": place, "msg": "Extra inputs are not permitted", "input": given}
    return {"object": "error", "message": {"detail": [told]}, "type": "invalid_request_error", "code": None}


ROUTING: Final = "To learn more about provider routing, visit: https://openrouter.ai/docs/provider-routing"

TOLD: Final[list[Told]] = [
    Told("ollama/ollama#6027", "ollama", 400, "stablelm2:latest does not support tools", "tools", "tools"),
    Told(
        "heshengtao/super-agent-party#142", "ollama", 400,
        "registry.ollama.ai/library/deepseek-r1:latest does not support tools", "tools", "tools",
    ),
    Told(
        "continuedev/continue#10672", "ollama_chat", 400,
        {"error": "registry.ollama.ai/library/dolphin-mistral:7b-v2.8-q6_K does not support tools"}, "tools", "tools",
    ),
    Told("cline/cline#460", "ollama", 400, "codellama:latest does not support tools", "tools streaming", "tools"),
    Told(
        "continuedev/continue#11308", "ollama", 400,
        "registry.ollama.ai/bazobehram/qwen3-14b-claude-4.5-opus-high-reasoning:latest does not support tools",
        "tools reasoning", "tools",
    ),
    Told(
        "ollama/ollama#14795", "ollama_chat", 400,
        {"error": "registry.ollama.ai/library/Qwen3.5:0.8b does not support tools"}, "tools", "tools",
    ),
    Told(
        "dnakov/anon-kode#10", "deepseek", 400, "deepseek-reasoner does not support Function Calling", "tools", "tools",
    ),
    Told("songquanpeng/one-api#2214", "openai", 400, "The tool call is not supported", "tools", "tools"),
    Told(
        "DayuanJiang/next-ai-draw-io#326", "deepseek", 400,
        "Failed to deserialize the JSON body into the target type: messages[0]: unknown variant `image_url`, expected "
        "`text` at line 1 column 13954", "images", "images",
    ),
    Told(
        "dnakov/anon-kode#2", "openrouter", 404, f"No endpoints found that support tool use. {ROUTING}",
        "tools", "tools",
    ),
    Told(
        "Kilo-Org/kilocode#9006", "openrouter", 404,
        f'No endpoints found that support tool use. Try disabling "question". {ROUTING}', "tools streaming", "tools",
    ),
    Told(
        "musistudio/claude-code-router#583", "openai", 404,
        'Error from provider(404): {"error":{"message":"No endpoints found that support tool use. ' + ROUTING
        + '","code":404}}', "tools", "tools",
    ),
    Told(
        "zed-industries/zed#36094", "openrouter", 404,
        f"No endpoints found that support the provided 'tool_choice' value. {ROUTING}", "tools",
    ),
    Told(
        "musistudio/claude-code-router#251", "openrouter", 404, "No endpoints found that support cache control",
        "tools",
    ),
    Told(
        "JohnnyZ93/oai-compatible-copilot#229", "openai", 404, "No endpoints found that support image input",
        "images", "images",
    ),
    Told("github/app#2163", "openrouter", 404, "No endpoints found that support image input", "images tools", "images"),
    Told(
        "HKUDS/DeepTutor#1348", "openrouter", 404,
        "No endpoints found that support the requested output modalities: image, text", "images audio",
    ),
    Told(
        "openai/openai-dotnet#276", "openai", 400,
        "Invalid parameter: 'response_format' of type 'json_schema' is not supported with model version `gpt-4o`.",
        "json_schema", "json_schema",
    ),
    Told(
        "openai-php/client#259", "openai", 400,
        "Invalid parameter: 'response_format' of type 'json_object' is not supported with this model.",
        "json_object", "json_object",
    ),
    Told(
        "roboflow/awesome-openai-vision-api-experiments#11", "openai", 400,
        "Invalid content type. image_url is only supported by certain models.", "images", "images",
    ),
    Told(
        "ChatGPTNextWeb/NextChat#4369", "openai", 400,
        "Invalid content type. image_url is only supported by certain models. (request id: 2024032211284178654458)",
        "images streaming", "images",
    ),
    Told(
        "evalstate/fast-agent#279", "openai", 400,
        "Unsupported parameter: 'parallel_tool_calls' is not supported with this model.",
        "tools parallel_tools", "parallel_tools",
    ),
    Told(
        "openai/openai-openapi#541", "openai", 400,
        "Function tools with reasoning_effort are not supported for gpt-5.4 in /v1/chat/completions. Please use "
        "/v1/responses instead.", "tools reasoning",
    ),
    Told(
        "mkht/PSOpenAI#44", "openai", 400,
        "Unsupported parameter: 'response_format'. In the Responses API, this parameter has moved to 'text.format'. "
        "Try again with the new parameter.", "json_schema",
    ),
    Told(
        "just-every/code#331", "openai", 400,
        "Your organization must be verified to stream this model. Please go to: "
        "https://platform.openai.com/settings/organization/general and click on Verify Organization.",
        "streaming", "streaming",
    ),
    Told(
        "enoch3712/ExtractThinker#346", "openai", 400,
        "max_tokens is too large: 32000. This model supports at most 16384 completion tokens, whereas you provided "
        "32000.", "images", "max_tokens", 16_384,
    ),
    Told(
        "diffbot/code-gpt-docs#284", "openai", 400,
        "max_tokens is too large: 6000. This model supports at most 4096 completion tokens, whereas you provided 6000.",
        "", "max_tokens", 4096,
    ),
    Told(
        "Gitlawb/openclaude#331", "volcengine", 400,
        "The parameter `max_completion_tokens` specified in the request are not valid: integer above maximum value, "
        "expected a value <= 12288, but got 32000 instead. Request id: 0217", "tools", "max_tokens", 12_288,
    ),
    Told(
        "evalstate/fast-agent#621", "deepseek", 400,
        "This model's maximum context length is 131072 tokens. However, you requested 131134 tokens (122942 in the "
        "messages, 8192 in the completion). Please reduce the length of the messages or completion.",
        "tools", "context", 131_072,
    ),
    Told(
        "FoundationAgents/OpenManus#79", "deepseek", 400,
        "This model's maximum context length is 65536 tokens. However, you requested 66343 tokens (62247 in the "
        "messages, 4096 in the completion). Please reduce the length of the messages or completion.",
        "tools", "context", 65_536,
    ),
    Told(
        "bytedance/deer-flow#326", "hosted_vllm", 400,
        "This model's maximum context length is 131072 tokens. However, you requested 219523 tokens in the messages, "
        "Please reduce the length of the messages.", "tools", "context", 131_072,
    ),
    Told(
        "thepersonalaicompany/amurex-backend#51", "groq", 400,
        {
            "error": {
                "message": "Please reduce the length of the messages or completion.",
                "type": "invalid_request_error", "param": "messages", "code": "context_length_exceeded",
            }
        }, "", "context",
    ),
    Told(
        "langchain-ai/open-swe#628", "openai", 400,
        "Unsupported value: 'temperature' does not support 0 with this model. Only the default (1) value is supported.",
        "tools reasoning",
    ),
    Told(
        "BerriAI/litellm#5295", "azure", 400,
        "Invalid parameter: 'response_format' must be one of 'json_object', 'text'.", "json_schema", "json_schema",
    ),
    Told(
        "betalgo/openai#666", "azure", 400,
        "response_format value as json_schema is enabled only for api versions 2024-08-01-preview and later",
        "json_schema", "json_schema",
    ),
    Told(
        "567-labs/instructor#155", "azure", 400, "Unrecognized request argument supplied: functions", "tools", "tools",
    ),
    Told(
        "langgenius/dify-official-plugins#2706", "azure", 400,
        "Invalid schema for response_format 'llm_response': In context=(), 'additionalProperties' is required to be "
        "supplied and to be false.", "json_schema",
    ),
    Told(
        "epuerta9/deep-research-py#19", "openai", 400,
        "Invalid value: 'object'. Supported values are: 'json_object', 'json_schema', and 'text'.", "json_schema",
    ),
    Told(
        "dzhng/deep-research#127", "groq", 400,
        "'response_format.type' : value is not one of the allowed values ['text','json_object']",
        "json_schema", "json_schema",
    ),
    Told(
        "vercel/ai#7808", "groq", 400,
        "'response_format' : one of the following must be satisfied[('response_format.type' : value is not one of the "
        "allowed values ['text']) OR ('response_format.name' : property 'name' is missing) OR ('response_format.type' "
        ": value is not one of the allowed values ['json_object'])]", "json_schema",
    ),
    Told("vercel/ai#2837", "groq", 400, "message[0].content must be a string", "images", "images"),
    Told(
        "vercel/ai#4888", "groq", 400, "prompting with images is incompatible with system messages",
        "images json_schema",
    ),
    Told(
        "i-am-bee/beeai-framework#1215", "groq", 400,
        "invalid schema for response format: response_format/json_schema/next_step: minItems is not supported",
        "json_schema",
    ),
    Told(
        "BerriAI/litellm#6610", "xai", 400,
        {
            "code": "Client specified an invalid argument",
            "error": "The response_format parameter is unsupported at the moment. Leave it unset.",
        }, "json_object", "json_object",
    ),
    Told(
        "musistudio/claude-code-router#708", "cerebras", 400,
        {
            "message": "Unsupported JSON schema fields: {'minItems', 'items'}", "type": "invalid_request_error",
            "param": "response_format", "code": "wrong_api_format",
        }, "json_schema",
    ),
    Told(
        "egoist/chatwise-releases#1442", "cerebras", 400,
        {
            "message": "messages.1.assistant.reasoning_content: property 'messages.1.assistant.reasoning_content' is "
            "unsupported", "type": "invalid_request_error", "param": "validation_error", "code": "wrong_api_format",
        }, "reasoning tools",
    ),
    Told(
        "google-gemini/deprecated-generative-ai-js#241", "gemini", 400,
        "Function calling mode `ANY` is not enabled for api version v1beta", "tools",
    ),
    Told(
        "cloudwego/eino-ext#761", "gemini", 400,
        "Please enable tool_config.include_server_side_tool_invocations to use Built-in tools with Function calling.",
        "tools",
    ),
    Told(
        "genkit-ai/genkit#703", "gemini", 400,
        "Function calling with a response mime type: 'application/json' is unsupported", "tools json_schema",
    ),
    Told(
        "BerriAI/litellm#10313", "gemini", 400, "Function calling is not enabled for models/gemma-3-27b-it",
        "tools", "tools",
    ),
    Told(
        "lobehub/lobehub#4994", "gemini", 400,
        "Invalid JSON payload received. Unknown name \"examples\" at 'tools[0].function_declarations[5].parameters."
        "properties[1].value': Cannot find field.", "tools",
    ),
    Told(
        "tmc/langchaingo#776", "gemini", 400,
        "Add an image to use models/gemini-1.0-pro-vision-latest, or switch your model to a text model.", "images",
    ),
    Told(
        "earendil-works/pi#3739", "bedrock", 400, "This model doesn't support tool use in streaming mode.",
        "tools streaming",
    ),
    Told(
        "strands-agents/harness-sdk#1241", "bedrock", 400,
        "This model doesn't support the toolConfig.toolChoice.any field. Remove toolConfig.toolChoice.any and try "
        "again", "tools",
    ),
    Told(
        "browser-use/browser-use#710", "bedrock", 400,
        "messages.2.content: Conversation blocks and tool result blocks cannot be provided in the same turn.", "tools",
    ),
    Told(
        "vllm-project/vllm#9986", "hosted_vllm", 400,
        '"auto" tool choice requires --enable-auto-tool-choice and --tool-call-parser to be set', "tools", "tools",
    ),
    Told("vllm-project/vllm#23402", "hosted_vllm", 400, "Intern-S1 is not a multimodal model", "images", "images"),
    Told(
        "QwenLM/Qwen3-Embedding#188", "hosted_vllm", 400,
        'Model "Qwen3-Embedding-0.6B" does not support matryoshka representation, changing output dimensions will lead '
        "to poor results.", "dimensions", "dimensions",
    ),
    Told(
        "michaelfeil/infinity#519", "infinity", 400,
        "<class 'infinity_emb.primitives.MatryoshkaDimError'> -> matryoshka_dim=512 is not in a valid range. Select "
        "between 1 and 128.", "dimensions",
    ),
    Told("ggml-org/llama.cpp#10920", "openai", 500, "Unsupported param: tools", "tools", "tools"),
    Told("defilantech/LLMKube#126", "openai", 500, "tools param requires --jinja flag", "tools", "tools"),
    Told("ggml-org/llama.cpp#13566", "openai", 500, "image input is not supported by this server", "images", "images"),
    Told(
        "ggml-org/llama.cpp#15377", "llamafile", 500,
        "image input is not supported - hint: if this is unexpected, you may need to provide the mmproj",
        "images", "images",
    ),
    Told(
        "lmstudio-ai/lmstudio-bug-tracker#362", "lm_studio", 400,
        {"error": "Model does not support images. Please use a model that does"}, "images", "images",
    ),
    Told(
        "bhimrazy/receipt-ocr#20", "lm_studio", 400,
        {"error": "'response_format.json_schema.schema' must be an object"}, "json_schema",
    ),
    Told(
        "JamePeng/llama-cpp-python#165", "openai", 400,
        "Image input detected, but the loaded model is not configured with a mmproj module.", "images", "images",
    ),
    Told(
        "hiyouga/LlamaFactory#6703", "openai", 400,
        "This model does not support image input. Please check whether the correct `template` is used.",
        "images", "images",
    ),
    Told("crewAIInc/crewAI#60", "mistral", 422, extra(["body", "n"], 3), "n", "n"),
    Told(
        "CherryHQ/cherry-studio#8844", "mistral", 422, extra(["body", "stream_options", "include_usage"]),
        "streaming images",
    ),
    Told(
        "charmbracelet/crush#1590", "mistral", 422,
        extra(["body", "messages", 31, "assistant", "reasoning_content"], "\n"), "reasoning tools",
    ),
    Told("editor-code-assistant/eca#231", "mistral", 422, extra(["body", "max_completion_tokens"], 32000), "tools"),
    Told("mistralai/platform-docs-public#7", "mistral", 422, extra(["body", "frequency_penalty"], 0.0), "tools"),
    Told(
        "zhukunpenglinyutong/jetbrains-cc-gui#1003", "anthropic", 400,
        '"thinking.type.enabled" is not supported for this model. Use "thinking.type.adaptive" and '
        '"output_config.effort" to control thinking behavior.', "reasoning tools",
    ),
    Told(
        "docker/docker-agent#3381", "anthropic", 400, "adaptive thinking is not supported on this model", "reasoning",
    ),
    Told(
        "router-for-me/CLIProxyAPI#4201", "xai", 400,
        {
            "code": "invalid-argument",
            "error": "The model grok-imagine-image is an image model and is therefore not available on this endpoint.",
        }, "images",
    ),
    Told(
        "Routstr/routstr-core#554", "openai", 404,
        "The model `gpt-5.4-image-2` does not exist or you do not have access to it.", "images",
    ),
]  # fmt: skip
