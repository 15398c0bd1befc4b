"""Failures that say nothing of what a model can do, as providers and servers worded them: status and text of each."""

from typing import Final

ORDINARY: Final[list[tuple[str, int, str]]] = [
    (
        "openai", 401,
        "Incorrect API key provided: sk-abc***. You can find your API key at "
        "https://platform.openai.com.",
    ),
    ("openai", 403, "Country, region, or territory not supported"),
    (
        "openai", 404,
        "The model `gpt-4-vision-preview` has been deprecated, learn more here: "
        "https://platform.openai.com",
    ),
    ("openai", 404, "The model `gpt-4o-audio-preview` does not exist or you do not have access to it."),
    ("openai", 404, "This is not a chat model and thus not supported in the v1/chat/completions endpoint."),
    (
        "openai", 429,
        "Rate limit reached for gpt-4o in organization org-x on tokens per min (TPM): Limit 30000, Used "
        "30000",
    ),
    ("openai", 429, "You exceeded your current quota, please check your plan and billing details."),
    ("openai", 500, "The server had an error while processing your request. Sorry about that!"),
    (
        "openai", 500,
        "The model produced invalid content. Consider modifying your prompt if you are seeing this "
        "error.",
    ),
    ("openai", 503, "The engine is currently overloaded, please try again later"),
    ("openai", 503, "Tools are temporarily unavailable, please try again later"),
    ("openai", 400, "you must provide a model parameter"),
    ("openai", 400, "'messages' is a required property"),
    (
        "openai", 400,
        "Invalid type for 'messages[0].content': expected one of a string or array of objects, but got an "
        "integer.",
    ),
    (
        "openai", 400,
        "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' "
        "instead.",
    ),
    ("openai", 400, "Unsupported value: 'messages[0].role' does not support 'system' with this model."),
    (
        "openai", 400,
        "Invalid schema for function 'get_weather': In context=(), 'required' is required to be "
        "supplied.",
    ),
    (
        "openai", 400,
        "Invalid 'tools[0].function.name': string does not match pattern. Expected a string that matches "
        "it.",
    ),
    (
        "openai", 400,
        "Invalid 'tools': array too long. Expected an array with maximum length 128, but got 160 "
        "instead.",
    ),
    (
        "openai", 400,
        "An assistant message with 'tool_calls' must be followed by tool messages responding to each "
        "'tool_call_id'.",
    ),
    (
        "openai", 400,
        "Invalid parameter: messages with role 'tool' must be a response to a preceeding message with "
        "'tool_calls'.",
    ),
    (
        "openai", 400,
        "Invalid value for 'tool_choice': no function named get_time was specified in the 'tools' "
        "parameter.",
    ),
    (
        "openai", 400,
        "You uploaded an unsupported image. Please make sure your image has of one the following formats: "
        "png, jpeg.",
    ),
    (
        "openai", 400,
        "Invalid image URL: The URL must be a valid HTTP or HTTPS URL, or a data URL with base64 "
        "encoding.",
    ),
    ("openai", 400, "Timeout while downloading https://example.com/a.png."),
    ("openai", 400, "Invalid MIME type. Only image types are supported."),
    (
        "openai", 400,
        "'messages' must contain the word 'json' in some form, to use 'response_format' of type "
        "'json_object'.",
    ),
    (
        "openai", 400,
        "Invalid 'top_logprobs': integer above maximum value. Expected a value <= 20, but got 50 "
        "instead.",
    ),
    ("openai", 400, "The 'top_logprobs' parameter is only allowed when 'logprobs' is enabled."),
    (
        "openai", 400,
        "Unsupported value: 'reasoning_effort' does not support 'minimal' with this model. Supported values "
        "are: 'low', 'medium', and 'high'.",
    ),
    ("openai", 400, "Your input image may contain content that is not allowed by our safety system."),
    ("openai", 400, "Invalid prompt: your prompt was flagged as potentially violating our usage policy."),
    ("openai", 400, "The file type you uploaded is not supported. Expected a PDF."),
    ("openai", 400, "Previous response with id 'resp_1' not found."),
    ("groq", 400, "Failed to call a function. Please adjust your prompt. See 'failed_generation' for more details."),
    ("groq", 400, "Failed to generate JSON. Please adjust your prompt. See 'failed_generation' for more details."),
    ("groq", 400, "Tool choice is required, but model did not call a tool"),
    ("groq", 400, "attempted to call tool 'json' which was not in request.tools"),
    ("groq", 400, "Generated JSON does not match the expected schema. Please adjust your prompt."),
    ("groq", 400, "The model `llama-3.2-90b-vision-preview` has been decommissioned and is no longer supported."),
    (
        "groq", 413,
        "Request too large for model `llama-3.1-8b-instant` on tokens per minute (TPM): Limit 6000, "
        "Requested 9000",
    ),
    (
        "groq", 429,
        "Rate limit reached for model `meta-llama/llama-4-scout-17b-16e-instruct` on requests per day "
        "(RPD)",
    ),
    ("groq", 503, "Service unavailable. The image model is over capacity and currently unavailable."),
    ("gemini", 400, "API key not valid. Please pass a valid API key."),
    ("gemini", 400, "User location is not supported for the API use."),
    (
        "gemini", 400,
        "Please ensure that function call turn comes immediately after a user turn or after a function "
        "response turn.",
    ),
    (
        "gemini", 400,
        "Please ensure that the number of function response parts is equal to the number of function call "
        "parts.",
    ),
    (
        "gemini", 400,
        "Unable to process input image. Please retry or report in "
        "https://developers.generativeai.google",
    ),
    ("gemini", 400, "Unsupported MIME type: image/svg+xml"),
    ("gemini", 400, "The document has no pages."),
    ("gemini", 400, "Budget 0 is invalid. This model only works in thinking mode."),
    ("gemini", 400, "Request contains an invalid argument."),
    (
        "gemini", 404,
        "models/gemini-1.5-flash-vision is not found for API version v1beta, or is not supported for "
        "generateContent.",
    ),
    (
        "gemini", 404,
        "models/text-embedding-004 is not found for API version v1main, or is not supported for "
        "embedContent.",
    ),
    (
        "gemini", 500,
        "An internal error has occurred. Please retry or report in "
        "https://developers.generativeai.google",
    ),
    ("gemini", 503, "The model is overloaded. Please try again later."),
    ("gemini", 503, "This model is currently experiencing high demand. Spikes in demand are usually temporary."),
    ("openrouter", 400, "meta-llama/llama-3.2-vision is not a valid model ID"),
    ("openrouter", 402, "Insufficient credits. Add more using https://openrouter.ai/settings/credits"),
    ("openrouter", 404, "No endpoints found for nousresearch/hermes-3-llama-3.1-405b:free."),
    (
        "openrouter", 404,
        "No endpoints found matching your data policy (Free model training). Configure: "
        "https://openrouter.ai",
    ),
    ("openrouter", 404, "No allowed providers are available for the selected model."),
    ("openrouter", 502, "Provider returned error"),
    (
        "together_ai", 401,
        "Invalid API key provided. You can find your API key at "
        "https://api.together.xyz/settings/api-keys.",
    ),
    (
        "together_ai", 404,
        "Unable to access model meta-llama/Llama-Vision-Free. Please visit "
        "https://api.together.ai/models",
    ),
    ("together_ai", 500, "Internal server error: failed to decode the image"),
    (
        "anthropic", 400,
        "messages.1: `tool_use` ids were found without `tool_result` blocks immediately after: "
        "toolu_01.",
    ),
    (
        "anthropic", 400,
        "messages.0.content.1.image.source.base64: The image was specified using the image/png media type, "
        "but the image appears to be a image/jpeg image",
    ),
    ("anthropic", 400, "max_tokens: Field required"),
    ("anthropic", 400, "`max_tokens` must be greater than `thinking.budget_tokens`."),
    ("anthropic", 400, "Your credit balance is too low to access the Anthropic API."),
    ("anthropic", 400, "Thinking may not be enabled when tool_choice forces tool use."),
    ("anthropic", 529, "Overloaded"),
    ("mistral", 400, "Expected last role User or Tool (or Assistant with prefix True) for serving but got assistant"),
    ("mistral", 400, "Not the same number of function calls and responses"),
    ("mistral", 500, "Service unavailable."),
    ("cohere", 400, "invalid request: tool call id not found in previous tool calls"),
    ("cohere", 404, "model 'command-vision' not found, make sure the correct model ID was used"),
    ("cerebras", 404, "Model llama-4-scout-17b-16e-instruct does not exist or you do not have access to it."),
    ("cerebras", 400, "Tools[0].function.parameters: Unsupported JSON schema fields: {'minLength'}"),
    ("ollama", 404, "model 'llava' not found"),
    (
        "ollama", 500,
        "model runner has unexpectedly stopped, this may be due to resource limitations or an internal "
        "error",
    ),
    (
        "ollama", 500,
        "llama runner process has terminated: error loading model: unknown model architecture: "
        "'qwen3vl'",
    ),
    ("hosted_vllm", 400, "The model `qwen-vl` does not exist."),
    ("hosted_vllm", 400, "At most 1 image(s) may be provided in one request."),
    ("hosted_vllm", 500, "Internal Server Error"),
    ("hosted_vllm", 400, "invalid literal: tool parser could not parse the function call"),
    ("openai", 500, "Failed to parse tool call arguments as JSON: unexpected end of input"),
    ("openai", 500, "failed to process image"),
    ("openai", 500, "Failed to load image or audio file"),
    ("openai", 503, "Loading model"),
    ("bedrock", 400, "The toolConfig field must be defined when using toolUse and toolResult content blocks."),
    (
        "bedrock", 400,
        "Invocation of model ID meta.llama3 with on-demand throughput isn't supported. Retry with an "
        "inference profile.",
    ),
    ("bedrock", 403, "You don't have access to the model with the specified model ID."),
    ("azure", 404, "The API deployment for this resource does not exist."),
    (
        "azure", 400,
        "The response was filtered due to the prompt triggering Azure OpenAI's content management "
        "policy.",
    ),
    ("fireworks_ai", 404, "Model not found, inaccessible, and/or not deployed"),
    ("fireworks_ai", 500, "internal server error: stream closed before the answer was complete"),
    ("deepseek", 400, "The last message of deepseek-reasoner must be a user message"),
    ("deepseek", 402, "Insufficient Balance"),
    ("xai", 500, "Streaming failed: connection to the model was lost"),
]  # fmt: skip
