from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    model_config = SettingsConfigDict(env_file=".env")

    broker_url: str
    jwt_secret: str
    currency: str = "USD"
    database_url: str = "sqlite:///./orders.db"


settings = Settings()
